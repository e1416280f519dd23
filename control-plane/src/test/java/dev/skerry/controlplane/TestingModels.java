package dev.skerry.controlplane;

import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Both model providers in one server, in their published wire formats. Every answer reads 1,000 tokens and writes 100; a request whose
 * text holds a test's marker is answered as that test says.
 */
public final class TestingModels {
    public static final String ANTHROPIC_KEY = "sk-ant-canary-abcdefgh";
    public static final String OPENAI_KEY = "sk-oai-canary-abcdefgh";
    public static final String ANTHROPIC_MODEL = "claude-sonnet-4-5";
    public static final String OPENAI_MODEL = "gpt-5-mini";
    /** 1,000 tokens in and 100 out at the prices of the models above, in nano-dollars. */
    public static final long ANTHROPIC_COST = 1000 * 3_000 + 100 * 15_000;

    public static final long OPENAI_COST = 1000 * 250 + 100 * 2_000;

    private static final Map<String, Function<Received, Reply>> SCRIPTS = new ConcurrentHashMap<>();

    private TestingModels() {}

    private static final class Server {
        static final TestingModelServer SERVER = new TestingModelServer(TestingModels::reply);
    }

    public static String origin() {
        return Server.SERVER.origin();
    }

    /** What to put into a request's text to get this answer. */
    public static String marker(Function<Received, Reply> script) {
        String marker = "marker-" + UUID.randomUUID();
        SCRIPTS.put(marker, script);
        return marker;
    }

    /** Answers requests whose text holds this marker in this way from now on. */
    public static void marker(String marker, Function<Received, Reply> script) {
        SCRIPTS.put(marker, script);
    }

    /** Requests whose text holds the marker. */
    public static List<Received> received(String marker) {
        return Server.SERVER.received().stream()
                .filter(received -> received.text().contains(marker))
                .toList();
    }

    private static Reply reply(Received received) {
        return SCRIPTS.entrySet().stream()
                .filter(script -> received.text().contains(script.getKey()))
                .findFirst()
                .map(script -> script.getValue().apply(received))
                .orElseGet(() -> answer(received));
    }

    /** A whole answer: a call of the first tool if the request has tools and no result yet, otherwise a greeting. */
    public static Reply answer(Received received) {
        boolean streamed = received.body().path("stream").asBoolean(false);
        return streamed ? Reply.events(events(received)) : Reply.json(200, whole(received));
    }

    /** The events of {@link #answer}. */
    public static List<String> events(Received received) {
        String tool = tool(received);
        return switch (received.path()) {
            case "/v1/messages" -> tool == null ? messagesText() : messagesTool(tool);
            case "/v1/chat/completions" ->
                chat(
                        tool,
                        received.body()
                                .path("stream_options")
                                .path("include_usage")
                                .asBoolean(false));
            case "/v1/responses" -> responses(tool);
            default -> List.of();
        };
    }

    private static String tool(Received received) {
        boolean answered = received.text().contains("tool_result")
                || received.text().contains("tool_call_id")
                || received.text().contains("function_call_output");
        var first = received.body().path("tools").path(0);
        String name =
                first.path("name").asString(first.path("function").path("name").asString(""));
        return answered || name.isEmpty() ? null : name;
    }

    private static List<String> messagesText() {
        return List.of(
                named(
                        "message_start",
                        "'message':{'id':'msg_1','type':'message','role':'assistant','content':[],'model':'"
                                + ANTHROPIC_MODEL
                                + "','stop_reason':null,'stop_sequence':null,'usage':{'input_tokens':1000,"
                                + "'cache_creation_input_tokens':0,'cache_read_input_tokens':0,'output_tokens':1}}"),
                named("content_block_start", "'index':0,'content_block':{'type':'text','text':''}"),
                named("content_block_delta", "'index':0,'delta':{'type':'text_delta','text':'Grüße from '}"),
                named("content_block_delta", "'index':0,'delta':{'type':'text_delta','text':'the model.'}"),
                named("content_block_stop", "'index':0"),
                named(
                        "message_delta",
                        "'delta':{'stop_reason':'end_turn','stop_sequence':null},'usage':{'output_tokens':100}"),
                named("message_stop", ""));
    }

    private static List<String> messagesTool(String tool) {
        return List.of(
                named(
                        "message_start",
                        "'message':{'id':'msg_1','type':'message','role':'assistant','content':[],'model':'"
                                + ANTHROPIC_MODEL
                                + "','stop_reason':null,'stop_sequence':null,'usage':{'input_tokens':1000,'output_tokens':1}}"),
                named(
                        "content_block_start",
                        "'index':0,'content_block':{'type':'tool_use','id':'toolu_1','name':'" + tool
                                + "','input':{}}"),
                named(
                        "content_block_delta",
                        "'index':0,'delta':{'type':'input_json_delta','partial_json':'{\\\"city\\\": '}"),
                named(
                        "content_block_delta",
                        "'index':0,'delta':{'type':'input_json_delta','partial_json':'\\\"Kiel\\\"}'}"),
                named("content_block_stop", "'index':0"),
                named(
                        "message_delta",
                        "'delta':{'stop_reason':'tool_use','stop_sequence':null},'usage':{'output_tokens':100}"),
                named("message_stop", ""));
    }

    private static List<String> chat(String tool, boolean usage) {
        List<String> events = new java.util.ArrayList<>();
        if (tool == null) {
            events.add(chunk("[{'index':0,'delta':{'role':'assistant','content':''},'finish_reason':null}]", "null"));
            events.add(chunk("[{'index':0,'delta':{'content':'Grüße from '},'finish_reason':null}]", "null"));
            events.add(chunk("[{'index':0,'delta':{'content':'the model.'},'finish_reason':null}]", "null"));
            events.add(chunk("[{'index':0,'delta':{},'finish_reason':'stop'}]", "null"));
        } else {
            events.add(chunk(
                    "[{'index':0,'delta':{'role':'assistant','content':null,'tool_calls':[{'index':0,'id':'call_1','type':'function','function':{'name':'"
                            + tool + "','arguments':''}}]},'finish_reason':null}]",
                    "null"));
            events.add(chunk(
                    "[{'index':0,'delta':{'tool_calls':[{'index':0,'function':{'arguments':'{\\\"city\\\": \\\"Kiel\\\"}'}}]},'finish_reason':null}]",
                    "null"));
            events.add(chunk("[{'index':0,'delta':{},'finish_reason':'tool_calls'}]", "null"));
        }
        if (usage) {
            events.add(chunk("[]", "{'prompt_tokens':1000,'completion_tokens':100,'total_tokens':1100}"));
        }
        events.add("data: [DONE]");
        return events;
    }

    private static List<String> responses(String tool) {
        String open = "{'id':'resp_1','object':'response','created_at':1700000000,'status':'in_progress','model':'"
                + OPENAI_MODEL + "','output':[],'parallel_tool_calls':true,'tool_choice':'auto','tools':[]}";
        String item = responseItem(tool);
        return List.of(
                named("response.created", "'sequence_number':0,'response':" + open),
                named("response.output_item.added", "'sequence_number':1,'output_index':0,'item':" + item),
                tool == null
                        ? named(
                                "response.output_text.delta",
                                "'sequence_number':2,'item_id':'item_1','output_index':0,'content_index':0,'logprobs':[],'delta':'Grüße from the model.'")
                        : named(
                                "response.function_call_arguments.delta",
                                "'sequence_number':2,'item_id':'item_1','output_index':0,'delta':'{\\\"city\\\": \\\"Kiel\\\"}'"),
                named("response.output_item.done", "'sequence_number':3,'output_index':0,'item':" + item),
                named("response.completed", "'sequence_number':4,'response':" + response(tool)));
    }

    private static String response(String tool) {
        return "{'id':'resp_1','object':'response','created_at':1700000000,'status':'completed','model':'"
                + OPENAI_MODEL
                + "','output':[" + responseItem(tool)
                + "],'parallel_tool_calls':true,'tool_choice':'auto','tools':[],"
                + "'usage':{'input_tokens':1000,'input_tokens_details':{'cached_tokens':0},'output_tokens':100,"
                + "'output_tokens_details':{'reasoning_tokens':0},'total_tokens':1100}}";
    }

    private static String responseItem(String tool) {
        return tool == null
                ? "{'type':'message','id':'item_1','status':'completed','role':'assistant','content':[{'type':'output_text','text':'Grüße from the model.','annotations':[]}]}"
                : "{'type':'function_call','id':'item_1','call_id':'call_1','status':'completed','name':'" + tool
                        + "','arguments':'{\\\"city\\\": \\\"Kiel\\\"}'}";
    }

    private static String whole(Received received) {
        String tool = tool(received);
        return json(
                switch (received.path()) {
                    case "/v1/messages" ->
                        "{'id':'msg_1','type':'message','role':'assistant','model':'" + ANTHROPIC_MODEL
                                + "','content':["
                                + (tool == null
                                        ? "{'type':'text','text':'Grüße from the model.'}"
                                        : "{'type':'tool_use','id':'toolu_1','name':'" + tool
                                                + "','input':{'city':'Kiel'}}")
                                + "],'stop_reason':'" + (tool == null ? "end_turn" : "tool_use")
                                + "','stop_sequence':null,'usage':{'input_tokens':1000,'output_tokens':100}}";
                    case "/v1/chat/completions" ->
                        "{'id':'chatcmpl-1','object':'chat.completion','created':1700000000,'model':'" + OPENAI_MODEL
                                + "','choices':[{'index':0,'logprobs':null,'finish_reason':'"
                                + (tool == null ? "stop" : "tool_calls")
                                + "','message':{'role':'assistant','refusal':null,"
                                + (tool == null
                                        ? "'content':'Grüße from the model.'"
                                        : "'content':null,'tool_calls':[{'id':'call_1','type':'function','function':{'name':'"
                                                + tool + "','arguments':'{\\\"city\\\": \\\"Kiel\\\"}'}}]")
                                + "}}],'usage':{'prompt_tokens':1000,'completion_tokens':100,'total_tokens':1100}}";
                    default -> response(tool);
                });
    }

    private static String chunk(String choices, String usage) {
        return json("data: {'id':'chatcmpl-1','object':'chat.completion.chunk','created':1700000000,'model':'"
                + OPENAI_MODEL + "','choices':" + choices + ",'usage':" + usage + "}");
    }

    private static String named(String type, String fields) {
        return "event: " + type + "\ndata: "
                + json("{'type':'" + type + "'" + (fields.isEmpty() ? "" : "," + fields) + "}");
    }

    private static String json(String text) {
        return text.replace('\'', '"');
    }
}
