package dev.skerry.controlplane.llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelRequest.ToolChoice;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The wire format is that of the Messages API, version 2023-06-01. */
class AnthropicProviderTest extends ModelProviderContract {
    @Override
    ModelProvider provider(String origin) {
        return new AnthropicProvider(origin + "/", KEY, JSON);
    }

    @Override
    List<String> greeting() {
        return List.of(
                event(
                        "message_start",
                        "'message':{'id':'msg_1','type':'message','role':'assistant','content':[],"
                                + "'model':'some-model','stop_reason':null,'stop_sequence':null,"
                                + "'usage':{'input_tokens':11,'cache_creation_input_tokens':0,'cache_read_input_tokens':0,'output_tokens':1}}"),
                event("content_block_start", "'index':0,'content_block':{'type':'text','text':''}"),
                event("ping", ""),
                event("content_block_delta", "'index':0,'delta':{'type':'text_delta','text':'Grüße, '}"),
                event("content_block_delta", "'index':0,'delta':{'type':'text_delta','text':'world.'}"),
                event("content_block_stop", "'index':0"),
                event(
                        "message_delta",
                        "'delta':{'stop_reason':'end_turn','stop_sequence':null},'usage':{'output_tokens':7}"),
                event("message_stop", ""));
    }

    @Override
    List<String> toolCalls() {
        return List.of(
                event("message_start", "'message':{'usage':{'input_tokens':20,'output_tokens':1}}"),
                event("content_block_start", "'index':0,'content_block':{'type':'text','text':''}"),
                event("content_block_delta", "'index':0,'delta':{'type':'text_delta','text':'Let me see.'}"),
                event("content_block_stop", "'index':0"),
                event(
                        "content_block_start",
                        "'index':1,'content_block':{'type':'tool_use','id':'toolu_1','name':'bash','input':{}}"),
                inputDelta(1, ""),
                inputDelta(1, "{\\\"comm"),
                inputDelta(1, "and\\\":\\\"echo"),
                inputDelta(1, " ü\\\"}"),
                event("content_block_stop", "'index':1"),
                event(
                        "content_block_start",
                        "'index':2,'content_block':{'type':'tool_use','id':'toolu_2','name':'done','input':{}}"),
                event("content_block_stop", "'index':2"),
                event("message_delta", "'delta':{'stop_reason':'tool_use'},'usage':{'output_tokens':30}"),
                event("message_stop", ""));
    }

    @Override
    String failureEvent() {
        return event("error", "'error':{'type':'overloaded_error','message':'Overloaded'}");
    }

    @Override
    String error(int status, String message) {
        return json("{'type':'error','error':{'type':'" + errorType(status) + "','message':'" + message
                + "'},'request_id':'req_1'}");
    }

    private static String errorType(int status) {
        return switch (status) {
            case 401 -> "authentication_error";
            case 403 -> "permission_error";
            case 404 -> "not_found_error";
            case 413 -> "request_too_large";
            case 429 -> "rate_limit_error";
            case 500 -> "api_error";
            case 529 -> "overloaded_error";
            default -> "invalid_request_error";
        };
    }

    @Override
    int silentEvents() {
        return 0;
    }

    @Override
    int completeAt() {
        return greeting().size();
    }

    @Test
    void authenticatesAsTheProviderWantsIt() throws Exception {
        Received sent = sent(request());

        assertThat(sent.path()).isEqualTo("/v1/messages");
        assertThat(sent.headers())
                .containsEntry("x-api-key", KEY.value())
                .containsEntry("anthropic-version", "2023-06-01")
                .doesNotContainKey("authorization");
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
                                        call("call_1", "{\"command\":\"ls\"}"),
                                        call("call_2", "{}")),
                                null,
                                false),
                        new Message(Message.Role.TOOL, List.of(new Content.Text("a.txt")), "call_1", false),
                        new Message(Message.Role.TOOL, List.of(new Content.Text("no command")), "call_2", true)),
                List.of(BASH),
                ToolChoice.REQUIRED));

        assertThat(sent.body())
                .isEqualTo(
                        JSON.readTree(
                                json(
                                        "{'model':'some-model','max_tokens':1000,'stream':true,"
                                                + "'system':[{'type':'text','text':'Be brief.','cache_control':{'type':'ephemeral'}}],"
                                                + "'tools':[{'name':'bash','description':'Runs a command.','input_schema':{'type':'object','properties':{'command':{}}}}],"
                                                + "'tool_choice':{'type':'any'},'messages':["
                                                + "{'role':'user','content':[{'type':'text','text':'List.'}]},"
                                                + "{'role':'assistant','content':[{'type':'thinking','thinking':'Hm.','signature':'c2ln'},"
                                                + "{'type':'text','text':'I look.'},{'type':'tool_use','id':'call_1','name':'bash','input':{'command':'ls'}},"
                                                + "{'type':'tool_use','id':'call_2','name':'bash','input':{}}]},"
                                                + "{'role':'user','content':["
                                                + "{'type':'tool_result','tool_use_id':'call_1','is_error':false,'content':'a.txt'},"
                                                + "{'type':'tool_result','tool_use_id':'call_2','is_error':true,'content':'no command','cache_control':{'type':'ephemeral'}}]}]}")));
    }

    @Test
    void sendsNothingThatTheProviderRejects() throws Exception {
        Received sent = sent(request(
                List.of(
                        new Message(Message.Role.USER, List.of(new Content.Text("Hello?")), null, false),
                        new Message(
                                Message.Role.ASSISTANT,
                                List.of(new Content.Thinking("From elsewhere.", null), new Content.Text(" \n")),
                                null,
                                false),
                        new Message(Message.Role.USER, List.of(new Content.Text("Well?")), null, false)),
                List.of(),
                ToolChoice.NONE));

        assertThat(sent.body().path("messages"))
                .isEqualTo(
                        JSON.readTree(
                                json(
                                        "[{'role':'user','content':[{'type':'text','text':'Hello?'}]},"
                                                + "{'role':'user','content':[{'type':'text','text':'Well?','cache_control':{'type':'ephemeral'}}]}]")));
        assertThat(sent.body().has("tools")).isFalse();
        assertThat(sent.body().has("tool_choice")).isFalse();
    }

    @Test
    void keepsThinkingWithItsSignatureSoThatItCanBeSentBack() throws Exception {
        ModelAnswer answer = answering(Reply.events(List.of(
                        event("message_start", "'message':{'usage':{'input_tokens':5,'output_tokens':1}}"),
                        event(
                                "content_block_start",
                                "'index':0,'content_block':{'type':'thinking','thinking':'','signature':''}"),
                        event("content_block_delta", "'index':0,'delta':{'type':'thinking_delta','thinking':'One. '}"),
                        event("content_block_delta", "'index':0,'delta':{'type':'thinking_delta','thinking':'Two.'}"),
                        event("content_block_delta", "'index':0,'delta':{'type':'signature_delta','signature':'EqQB'}"),
                        event("content_block_stop", "'index':0"),
                        event("content_block_start", "'index':1,'content_block':{'type':'text','text':''}"),
                        event("content_block_delta", "'index':1,'delta':{'type':'text_delta','text':'Three.'}"),
                        event("message_delta", "'delta':{'stop_reason':'max_tokens'},'usage':{'output_tokens':9}"),
                        event("message_stop", ""))))
                .generate(request(), text -> {});

        assertThat(answer.content())
                .containsExactly(new Content.Thinking("One. Two.", "EqQB"), new Content.Text("Three."));
        assertThat(answer.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    }

    @Test
    void sendsPicturesAndReasoningThatOnlyTheProviderUnderstandsBack() throws Exception {
        String redacted = json("{'type':'redacted_thinking','data':'EmwKAhgB'}");
        ModelAnswer answer = answering(Reply.events(List.of(
                        event("message_start", "'message':{'usage':{'input_tokens':5,'output_tokens':1}}"),
                        event("content_block_start", "'index':0,'content_block':" + redacted),
                        event("content_block_start", "'index':1,'content_block':{'type':'text','text':'Hi'}"),
                        event("message_delta", "'delta':{'stop_reason':'end_turn'},'usage':{'output_tokens':9}"),
                        event("message_stop", ""))))
                .generate(request(), text -> {});
        assertThat(answer.content())
                .containsExactly(new Content.Opaque("anthropic", JSON.readTree(redacted)), new Content.Text("Hi"));
        stop();

        Received sent = sent(request(
                List.of(
                        new Message(Message.Role.USER, List.of(new Content.Image("image/png", "AA==")), null, false),
                        new Message(Message.Role.ASSISTANT, answer.content(), null, false),
                        new Message(
                                Message.Role.TOOL, List.of(new Content.Image("image/png", "BB==")), "call_1", false)),
                List.of(),
                ToolChoice.NONE));
        assertThat(sent.body().path("messages"))
                .isEqualTo(
                        JSON.readTree(
                                json(
                                        "[{'role':'user','content':[{'type':'image','source':{'type':'base64','media_type':'image/png','data':'AA=='}}]},"
                                                + "{'role':'assistant','content':[" + redacted
                                                + ",{'type':'text','text':'Hi'}]},"
                                                + "{'role':'user','content':[{'type':'tool_result','tool_use_id':'call_1','is_error':false,'content':["
                                                + "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'BB=='}}],'cache_control':{'type':'ephemeral'}}]}]")));
    }

    @Test
    void countsWhatIsReadFromAndWrittenToTheCache() throws Exception {
        ModelAnswer answer = answering(Reply.events(List.of(
                        event(
                                "message_start",
                                "'message':{'usage':{'input_tokens':3,'cache_creation_input_tokens':400,'cache_read_input_tokens':5000,'output_tokens':1}}"),
                        event("content_block_start", "'index':0,'content_block':{'type':'text','text':'Hi'}"),
                        event(
                                "message_delta",
                                "'delta':{'stop_reason':'end_turn'},'usage':{'input_tokens':null,'output_tokens':2}"),
                        event("message_stop", ""))))
                .generate(request(), text -> {});

        assertThat(answer.usage()).isEqualTo(new Usage(3, 2, 5000, 400, false));
    }

    @Test
    void estimatesWhatAServerDoesNotCount() throws Exception {
        ModelAnswer answer = answering(Reply.events(List.of(
                        event("message_start", "'message':{}"),
                        event("content_block_start", "'index':0,'content_block':{'type':'text','text':'Hi, you'}"),
                        event("message_delta", "'delta':{'stop_reason':'end_turn'}"),
                        event("message_stop", ""))))
                .generate(request(), text -> {});

        assertThat(answer.usage().estimated()).isTrue();
        assertThat(answer.usage().inputTokens()).isPositive();
        assertThat(answer.usage().outputTokens()).isGreaterThan(1);
    }

    private static Content.ToolCall call(String id, String arguments) {
        return new Content.ToolCall(id, "bash", JSON.readTree(arguments));
    }

    private static String inputDelta(int index, String piece) {
        return event(
                "content_block_delta",
                "'index':" + index + ",'delta':{'type':'input_json_delta','partial_json':'" + piece + "'}");
    }

    private static String event(String type, String fields) {
        return "event: " + type + "\ndata: "
                + json("{'type':'" + type + "'" + (fields.isEmpty() ? "" : "," + fields) + "}");
    }

    private static String json(String text) {
        return text.replace('\'', '"');
    }
}
