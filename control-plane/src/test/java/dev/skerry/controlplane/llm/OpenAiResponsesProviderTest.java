package dev.skerry.controlplane.llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelRequest.ToolChoice;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The wire format is that of Responses. */
class OpenAiResponsesProviderTest extends ModelProviderContract {
    private static final String USAGE =
            "'usage':{'input_tokens':11,'input_tokens_details':{'cached_tokens':0},'output_tokens':7,'total_tokens':18}";
    private static final String REASONING =
            "{'id':'rs_1','type':'reasoning','summary':[],'encrypted_content':'gAAAAABo'}";

    @Override
    ModelProvider provider(String origin) {
        return new OpenAiResponsesProvider(origin + "/v1/", KEY, JSON);
    }

    @Override
    List<String> greeting() {
        return List.of(
                event("response.created", "'response':{'id':'resp_1','status':'in_progress','usage':null}"),
                event(
                        "response.output_item.added",
                        "'output_index':0,'item':{'id':'msg_1','type':'message','role':'assistant','content':[]}"),
                event("response.output_text.delta", "'output_index':0,'content_index':0,'delta':'Grüße, '"),
                event("response.output_text.delta", "'output_index':0,'content_index':0,'delta':'world.'"),
                event(
                        "response.output_item.done",
                        "'output_index':0,'item':{'id':'msg_1','type':'message','role':'assistant','content':[{'type':'output_text','text':'Grüße, world.','annotations':[]}]}"),
                event(
                        "response.completed",
                        "'response':{'id':'resp_1','status':'completed','incomplete_details':null," + USAGE + "}"));
    }

    @Override
    List<String> toolCalls() {
        return List.of(
                event("response.created", "'response':{'id':'resp_1'}"),
                event(
                        "response.output_item.added",
                        "'output_index':0,'item':{'type':'function_call','call_id':'call_a','name':'bash','arguments':''}"),
                event("response.function_call_arguments.delta", "'output_index':0,'delta':'{\\\"comm'"),
                event("response.function_call_arguments.delta", "'output_index':0,'delta':'and\\\":\\\"echo ü\\\"}'"),
                event(
                        "response.output_item.done",
                        "'output_index':0,'item':{'type':'function_call','call_id':'call_a','name':'bash','arguments':'{\\\"command\\\":\\\"echo ü\\\"}'}"),
                event(
                        "response.output_item.done",
                        "'output_index':1,'item':{'type':'function_call','call_id':'call_b','name':'done','arguments':''}"),
                event("response.completed", "'response':{'status':'completed'," + USAGE + "}"));
    }

    @Override
    String failureEvent() {
        return event(
                "response.failed", "'response':{'status':'failed','error':{'code':'server_error','message':'Oh.'}}");
    }

    @Override
    String error(int status, String message) {
        return json("{'error':{'message':'" + message + "','type':'invalid_request_error','param':null,'code':null}}");
    }

    @Override
    int silentEvents() {
        return 0;
    }

    @Test
    void sendsTheConversationInTheProvidersForm() throws Exception {
        Received sent = sent(request(
                List.of(
                        new Message(
                                Message.Role.USER,
                                List.of(new Content.Text("List."), new Content.Image("image/png", "AA==")),
                                null,
                                false),
                        new Message(
                                Message.Role.ASSISTANT,
                                List.of(
                                        new Content.Opaque("openai", JSON.readTree(json(REASONING))),
                                        new Content.Opaque("anthropic", JSON.readTree("{}")),
                                        new Content.Thinking("Hm.", "c2ln"),
                                        new Content.Text("I look."),
                                        new Content.ToolCall("call_1", "bash", JSON.readTree("{\"command\":\"ls\"}"))),
                                null,
                                false),
                        new Message(Message.Role.TOOL, List.of(new Content.Text("a.txt")), "call_1", false)),
                List.of(BASH),
                ToolChoice.REQUIRED));

        assertThat(sent.path()).isEqualTo("/v1/responses");
        assertThat(sent.headers()).containsEntry("authorization", "Bearer " + KEY.value());
        assertThat(sent.body())
                .isEqualTo(
                        JSON.readTree(
                                json(
                                        "{'model':'some-model','max_output_tokens':1000,'stream':true,'store':false,"
                                                + "'instructions':'Be brief.','input':["
                                                + "{'role':'user','content':[{'type':'input_text','text':'List.'},{'type':'input_image','image_url':'data:image/png;base64,AA=='}]},"
                                                + REASONING + ","
                                                + "{'role':'assistant','content':[{'type':'output_text','text':'I look.'}]},"
                                                + "{'type':'function_call','call_id':'call_1','name':'bash','arguments':'{\\\"command\\\":\\\"ls\\\"}'},"
                                                + "{'type':'function_call_output','call_id':'call_1','output':'a.txt'}],"
                                                + "'tools':[{'type':'function','name':'bash','description':'Runs a command.','strict':false,"
                                                + "'parameters':{'type':'object','properties':{'command':{}}}}],'tool_choice':'required'}")));
    }

    @Test
    void asksAReasoningModelForItsReasoningAndKeepsIt() throws Exception {
        ModelProvider provider = answering(
                Reply.events(
                        List.of(
                                event("response.created", "'response':{}"),
                                event("response.output_item.done", "'output_index':0,'item':" + REASONING),
                                event(
                                        "response.output_item.done",
                                        "'output_index':1,'item':{'type':'message','content':[{'type':'output_text','text':'Hi'}]}"),
                                event(
                                        "response.incomplete",
                                        "'response':{'incomplete_details':{'reason':'max_output_tokens'},'usage':{'input_tokens':1000,'input_tokens_details':{'cached_tokens':768},'output_tokens':2}}"))));
        ModelAnswer answer = provider.generate(
                new ModelRequest("gpt-5-mini", "", List.of(), List.of(), ToolChoice.NONE, 10, Duration.ofSeconds(10)),
                text -> {});

        assertThat(server.received().getFirst().body().path("include").toString())
                .isEqualTo("[\"reasoning.encrypted_content\"]");
        assertThat(answer.content())
                .containsExactly(new Content.Opaque("openai", JSON.readTree(json(REASONING))), new Content.Text("Hi"));
        assertThat(answer.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
        assertThat(answer.usage()).isEqualTo(new Usage(232, 2, 768, 0, false));
    }

    @Test
    void estimatesWhatAServerDoesNotCount() throws Exception {
        ModelAnswer answer = answering(Reply.events(List.of(
                        event("response.created", "'response':{}"),
                        event(
                                "response.output_item.done",
                                "'output_index':0,'item':{'type':'message','content':[{'type':'output_text','text':'Hi'}]}"),
                        event("response.completed", "'response':{'status':'completed'}"))))
                .generate(request(), text -> {});

        assertThat(answer.usage().estimated()).isTrue();
        assertThat(answer.usage().inputTokens()).isPositive();
        assertThat(answer.usage().outputTokens()).isGreaterThan(1);
    }

    private static String event(String type, String fields) {
        return "event: " + type + "\ndata: " + json("{'type':'" + type + "','sequence_number':1," + fields + "}");
    }

    private static String json(String text) {
        return text.replace('\'', '"');
    }
}
