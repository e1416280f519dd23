package dev.skerry.controlplane.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelException.Kind;
import dev.skerry.controlplane.llm.ModelRequest.ToolChoice;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The wire format is that of Chat Completions. */
class OpenAiProviderTest extends ModelProviderContract {
    @Override
    ModelProvider provider(String origin) {
        return new OpenAiProvider(origin + "/v1/", KEY, JSON);
    }

    @Override
    List<String> greeting() {
        return List.of(
                chunk(
                        "[{'index':0,'delta':{'role':'assistant','content':'','refusal':null},'logprobs':null,'finish_reason':null}]",
                        "null"),
                chunk("[{'index':0,'delta':{'content':'Grüße, '},'logprobs':null,'finish_reason':null}]", "null"),
                chunk("[{'index':0,'delta':{'content':'world.'},'logprobs':null,'finish_reason':null}]", "null"),
                chunk("[{'index':0,'delta':{},'logprobs':null,'finish_reason':'stop'}]", "null"),
                chunk(
                        "[]",
                        "{'prompt_tokens':11,'completion_tokens':7,'total_tokens':18,'prompt_tokens_details':{'cached_tokens':0,'audio_tokens':0},'completion_tokens_details':{'reasoning_tokens':0}}"),
                "data: [DONE]");
    }

    @Override
    List<String> toolCalls() {
        return List.of(
                chunk(
                        "[{'index':0,'delta':{'role':'assistant','content':null,'tool_calls':[{'index':0,'id':'call_a','type':'function','function':{'name':'bash','arguments':''}}]},'finish_reason':null}]",
                        "null"),
                arguments(0, "{\\\"comm"),
                arguments(0, "and\\\":\\\"echo"),
                arguments(0, " ü\\\"}"),
                chunk(
                        "[{'index':0,'delta':{'tool_calls':[{'index':1,'id':'call_b','type':'function','function':{'name':'done','arguments':''}}]},'finish_reason':null}]",
                        "null"),
                chunk("[{'index':0,'delta':{},'finish_reason':'tool_calls'}]", "null"),
                chunk("[]", "{'prompt_tokens':20,'completion_tokens':30,'prompt_tokens_details':null}"),
                "data: [DONE]");
    }

    @Override
    String failureEvent() {
        return json(
                "data: {'error':{'message':'The server had an error','type':'server_error','param':null,'code':null}}");
    }

    @Override
    String error(int status, String message) {
        return json("{'error':{'message':'" + message + "','type':'invalid_request_error','param':null,'code':null}}");
    }

    @Override
    int silentEvents() {
        return 0;
    }

    @Override
    int completeAt() {
        return 4;
    }

    @Test
    void authenticatesAsTheProviderWantsIt() throws Exception {
        Received sent = sent(request());

        assertThat(sent.path()).isEqualTo("/v1/chat/completions");
        assertThat(sent.headers()).containsEntry("authorization", "Bearer " + KEY.value());
    }

    @Test
    void needsNoKeyAtACompatibleServer() throws Exception {
        answering(Reply.events(greeting()));
        new OpenAiProvider(server.origin(), null, JSON).generate(request(), text -> {});

        assertThat(server.received().getFirst().headers()).doesNotContainKey("authorization");
    }

    @Test
    void sendsTheConversationInTheProvidersForm() throws Exception {
        Received sent = sent(request(
                List.of(
                        new Message(Message.Role.USER, List.of(new Content.Text("List.")), null, false),
                        new Message(
                                Message.Role.ASSISTANT,
                                List.of(
                                        new Content.Thinking("Hm.", "c2ln"),
                                        new Content.Text("I look."),
                                        new Content.ToolCall("call_1", "bash", JSON.readTree("{\"command\":\"ls\"}"))),
                                null,
                                false),
                        new Message(Message.Role.TOOL, List.of(new Content.Text("a.txt")), "call_1", false)),
                List.of(BASH),
                ToolChoice.REQUIRED));

        assertThat(sent.body())
                .isEqualTo(JSON.readTree(json("{'model':'some-model','max_tokens':1000,'stream':true,"
                        + "'stream_options':{'include_usage':true},'messages':["
                        + "{'role':'system','content':'Be brief.'},{'role':'user','content':'List.'},"
                        + "{'role':'assistant','content':'I look.','tool_calls':[{'id':'call_1','type':'function',"
                        + "'function':{'name':'bash','arguments':'{\\\"command\\\":\\\"ls\\\"}'}}]},"
                        + "{'role':'tool','tool_call_id':'call_1','content':'a.txt'}],"
                        + "'tools':[{'type':'function','function':{'name':'bash','description':'Runs a command.',"
                        + "'parameters':{'type':'object','properties':{'command':{}}}}}],'tool_choice':'required'}")));
    }

    @Test
    void doesNotCountCachedTokensTwice() throws Exception {
        ModelAnswer answer = answering(Reply.events(List.of(
                        chunk("[{'index':0,'delta':{'content':'Hi'},'finish_reason':'length'}]", "null"),
                        chunk(
                                "[]",
                                "{'prompt_tokens':1000,'completion_tokens':2,'prompt_tokens_details':{'cached_tokens':768}}"),
                        "data: [DONE]")))
                .generate(request(), text -> {});

        assertThat(answer.usage()).isEqualTo(new Usage(232, 2, 768, 0, false));
        assertThat(answer.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void estimatesWhatAServerDoesNotCount(boolean done) throws Exception {
        List<String> events = greeting().subList(0, 4);
        ModelAnswer answer = answering(
                        Reply.events(done ? List.of(events.get(1), events.get(3), "data: [DONE]") : events))
                .generate(request(), text -> {});

        assertThat(answer.usage().estimated()).isTrue();
        assertThat(answer.usage().inputTokens()).isPositive();
        assertThat(answer.usage().outputTokens()).isPositive();
    }

    @Test
    void takesArgumentsThatAreNoObjectAsEmpty() throws Exception {
        ModelAnswer answer = answering(Reply.events(List.of(
                        arguments(0, "{\\\"command\\\":\\\"rm -"),
                        chunk("[{'index':0,'delta':{},'finish_reason':'length'}]", "null"),
                        "data: [DONE]")))
                .generate(request(), text -> {});

        assertThat(answer.content()).containsExactly(new Content.ToolCall("call_0", "", JSON.createObjectNode()));
        assertThat(answer.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    }

    @Test
    void doesNotTryAgainWhenTheAccountIsEmpty() {
        ModelException failure = catchThrowableOfType(
                ModelException.class,
                () -> answering(
                                Reply.json(
                                        429,
                                        json(
                                                "{'error':{'message':'You exceeded your current quota.','type':'insufficient_quota','code':'insufficient_quota'}}")))
                        .generate(request(), text -> {}));

        assertThat(failure.kind()).isEqualTo(Kind.REJECTED);
        assertThat(failure).hasMessageContaining("exceeded your current quota");
    }

    private static String arguments(int index, String piece) {
        return chunk(
                "[{'index':0,'delta':{'tool_calls':[{'index':" + index + ",'function':{'arguments':'" + piece
                        + "'}}]},'finish_reason':null}]",
                "null");
    }

    private static String chunk(String choices, String usage) {
        return json(
                "data: {'id':'chatcmpl-1','object':'chat.completion.chunk','created':1700000000,'model':'some-model',"
                        + "'service_tier':'default','system_fingerprint':'fp_1','choices':" + choices + ",'usage':"
                        + usage + "}");
    }

    private static String json(String text) {
        return text.replace('\'', '"');
    }
}
