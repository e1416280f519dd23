package dev.skerry.system.chaos;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model provider that nothing befalls, so that its own count of calls can be held against the ledger.
 *
 * <p>It speaks the chat completions protocol, plays a script of two commands and {@code done}, and refuses what real providers refuse:
 * a tool call without exactly one result. Every call is counted with a number of tokens of its own, by which it is known again.
 */
final class ScriptedModel implements AutoCloseable {
    static final String NAME = "gpt-5-mini";
    static final long INPUT_NANO_USD = 250;
    static final long OUTPUT_NANO_USD = 2_000;
    static final long OUTPUT_TOKENS = 7;

    private static final Pattern TASK = Pattern.compile("Note (p\\d+-\\d+) in");
    private static final Pattern SLEEP = Pattern.compile("rehearse:sleep=(\\d)");
    private static final Duration THINKS = Duration.ofMillis(30);

    private final JsonMapper json = JsonMapper.builder().build();
    private final AtomicLong calls = new AtomicLong();
    private final Map<String, Set<Long>> byTask = new ConcurrentHashMap<>();
    private final Queue<String> objections = new ConcurrentLinkedQueue<>();
    private final HttpServer http;

    ScriptedModel() throws IOException {
        http = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/v1/chat/completions", this::answer);
        http.start();
    }

    String url() {
        return "http://127.0.0.1:" + http.getAddress().getPort() + "/v1";
    }

    /** The calls made for each task; a call's number is the input tokens that it counted. */
    Map<String, Set<Long>> calls() {
        return Map.copyOf(byTask);
    }

    /** What a real provider would have refused. */
    List<String> objections() {
        return List.copyOf(objections);
    }

    static String task(String message) {
        Matcher task = TASK.matcher(message);
        return task.find() ? task.group(1) : "";
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            JsonNode request = json.readTree(exchange.getRequestBody().readAllBytes());
            List<JsonNode> messages = request.path("messages").valueStream().toList();
            List<String> wrong = wrongWith(messages);
            if (!wrong.isEmpty()) {
                objections.addAll(wrong);
                byte[] refusal = json.writeValueAsBytes(Map.of("error", Map.of("message", wrong.getFirst())));
                exchange.sendResponseHeaders(400, refusal.length);
                exchange.getResponseBody().write(refusal);
                return;
            }
            exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
            exchange.sendResponseHeaders(200, 0);
            play(messages, exchange.getResponseBody());
        }
    }

    private void play(List<JsonNode> messages, OutputStream out) throws IOException {
        int asked = lastAsked(messages);
        String text = asked < 0 ? "" : messages.get(asked).path("content").asString("");
        String task = task(text);
        long number = calls.incrementAndGet();
        byTask.computeIfAbsent(task, ignored -> ConcurrentHashMap.newKeySet()).add(number);
        send(out, delta(Map.of("content", "I am at it. ")));
        Pace.pause(THINKS);
        send(out, delta(Map.of("tool_calls", List.of(call(task, text, messages.size() - asked - 1)))));
        Pace.pause(THINKS);
        ObjectNode end = delta(Map.of());
        ((ObjectNode) end.path("choices").get(0)).put("finish_reason", "tool_calls");
        send(out, end);
        ObjectNode usage = json.createObjectNode();
        usage.putArray("choices");
        usage.putObject("usage").put("prompt_tokens", number).put("completion_tokens", OUTPUT_TOKENS);
        send(out, usage);
        out.write("data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8));
    }

    /** {@code said} messages came after the task: an answer and a result for each act that is over. */
    private Map<String, ?> call(String task, String text, int said) {
        int act = said / 2;
        Matcher sleep = SLEEP.matcher(text);
        String pause = sleep.find() ? "sleep " + sleep.group(1) + "; " : "";
        return switch (act) {
            case 0 ->
                text.contains("rehearse:fail")
                        ? tool("no_such_tool", Map.of())
                        : tool("bash", Map.of("command", "echo " + task + " >> list.txt"));
            case 1 -> tool("bash", Map.of("command", pause + "cat list.txt"));
            default -> tool("done", Map.of("result", task + " is noted", "files", List.of()));
        };
    }

    private Map<String, ?> tool(String name, Map<String, ?> arguments) {
        return Map.of(
                "index",
                0,
                "id",
                "call_" + UUID.randomUUID(),
                "type",
                "function",
                "function",
                Map.of("name", name, "arguments", json.writeValueAsString(arguments)));
    }

    private ObjectNode delta(Map<String, ?> delta) {
        ObjectNode chunk = json.createObjectNode();
        chunk.putArray("choices").addObject().put("index", 0).set("delta", json.valueToTree(delta));
        return chunk;
    }

    private void send(OutputStream out, JsonNode data) throws IOException {
        out.write(("data: " + json.writeValueAsString(data) + "\n\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static int lastAsked(List<JsonNode> messages) {
        for (int at = messages.size() - 1; at >= 0; at--) {
            if (messages.get(at).path("role").asString().equals("user")) {
                return at;
            }
        }
        return -1;
    }

    private static List<String> wrongWith(List<JsonNode> messages) {
        List<String> wrong = new ArrayList<>();
        Set<String> open = new HashSet<>();
        Set<String> tasks = new HashSet<>();
        for (JsonNode message : messages) {
            String role = message.path("role").asString();
            if (role.equals("tool")) {
                String id = message.path("tool_call_id").asString();
                if (!open.remove(id)) {
                    wrong.add("the result of " + id + " has no open call");
                }
                continue;
            }
            if (!open.isEmpty()) {
                wrong.add("the calls " + open + " have no result");
            }
            open.clear();
            message.path("tool_calls")
                    .valueStream()
                    .forEach(call -> open.add(call.path("id").asString()));
            if (role.equals("user") && !tasks.add(task(message.path("content").asString("")))) {
                wrong.add("the model is told twice: " + message.path("content"));
            }
        }
        if (!open.isEmpty()) {
            wrong.add("the calls " + open + " have no result at the end");
        }
        return wrong;
    }

    @Override
    public void close() {
        http.stop(0);
    }
}
