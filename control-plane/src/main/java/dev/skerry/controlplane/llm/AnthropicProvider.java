package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Anthropic's Messages API, version 2023-06-01, streamed; source: docs.anthropic.com, "Messages" and "Streaming messages". */
final class AnthropicProvider implements ModelProvider {
    static final String NAME = "anthropic";
    static final String VERSION = "2023-06-01";

    private final String url;
    private final Secret key;
    private final JsonMapper json;
    private final ProviderHttp http;

    AnthropicProvider(String baseUrl, Secret key, JsonMapper json) {
        this.url = baseUrl.replaceAll("/+$", "") + "/v1/messages";
        this.key = key;
        this.json = json;
        this.http = new ProviderHttp(json, "ANTHROPIC_API_KEY", key);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public ModelAnswer generate(ModelRequest request, Consumer<String> textDeltas) throws ModelException {
        ObjectNode body = body(request);
        return http.stream(
                url,
                Map.of("x-api-key", key.value(), "anthropic-version", VERSION),
                body,
                request.deadline(),
                new Reader(textDeltas, json.writeValueAsBytes(body).length));
    }

    private ObjectNode body(ModelRequest request) {
        ObjectNode body = json.createObjectNode();
        body.put("model", request.model());
        body.put("max_tokens", request.maxOutputTokens());
        body.put("stream", true);
        if (!request.system().isBlank()) {
            ObjectNode system = body.putArray("system").addObject();
            system.put("type", "text").put("text", request.system());
            cache(system);
        }
        if (!request.tools().isEmpty()) {
            ArrayNode tools = body.putArray("tools");
            for (ToolSpec tool : request.tools()) {
                tools.addObject()
                        .put("name", tool.name())
                        .put("description", tool.description())
                        .set("input_schema", tool.inputSchema());
            }
            body.putObject("tool_choice")
                    .put(
                            "type",
                            switch (request.toolChoice()) {
                                case AUTO -> "auto";
                                case REQUIRED -> "any";
                                case NONE -> "none";
                            });
        }
        body.set("messages", messages(request.messages()));
        return body;
    }

    private ArrayNode messages(List<Message> messages) {
        ArrayNode wire = json.createArrayNode();
        ArrayNode results = null;
        for (Message message : messages) {
            if (message.role() == Message.Role.TOOL) {
                if (results == null) {
                    results = wire.addObject().put("role", "user").putArray("content");
                }
                ObjectNode result = results.addObject()
                        .put("type", "tool_result")
                        .put("tool_use_id", message.toolCallId())
                        .put("is_error", message.isError());
                if (message.content().stream().anyMatch(Content.Image.class::isInstance)) {
                    ArrayNode content = result.putArray("content");
                    message.content().forEach(block -> add(content, block));
                } else {
                    result.put("content", message.text());
                }
            } else {
                ArrayNode content = json.createArrayNode();
                message.content().forEach(block -> add(content, block));
                if (!content.isEmpty()) {
                    results = null;
                    wire.addObject()
                            .put("role", message.role() == Message.Role.USER ? "user" : "assistant")
                            .set("content", content);
                }
            }
        }
        if (!wire.isEmpty()) {
            JsonNode last = wire.get(wire.size() - 1).path("content");
            if (!last.isEmpty() && last.get(last.size() - 1) instanceof ObjectNode block) {
                cache(block);
            }
        }
        return wire;
    }

    /** Leaves out what the provider rejects: blank text, and reasoning that it did not sign. */
    private static void add(ArrayNode content, Content block) {
        switch (block) {
            case Content.Text text -> {
                if (!text.text().isBlank()) {
                    content.addObject().put("type", "text").put("text", text.text());
                }
            }
            case Content.Thinking thinking -> {
                if (thinking.signature() != null) {
                    content.addObject()
                            .put("type", "thinking")
                            .put("thinking", thinking.text())
                            .put("signature", thinking.signature());
                }
            }
            case Content.Image image ->
                content.addObject()
                        .put("type", "image")
                        .putObject("source")
                        .put("type", "base64")
                        .put("media_type", image.mediaType())
                        .put("data", image.data());
            case Content.Opaque opaque -> {
                if (opaque.provider().equals(NAME)) {
                    content.add(opaque.block());
                }
            }
            case Content.ToolCall call ->
                content.addObject()
                        .put("type", "tool_use")
                        .put("id", call.id())
                        .put("name", call.name())
                        .set("input", call.arguments());
        }
    }

    private static void cache(ObjectNode block) {
        block.putObject("cache_control").put("type", "ephemeral");
    }

    private final class Reader implements ProviderHttp.Reader {
        private final Consumer<String> textDeltas;
        private final TreeMap<Integer, Block> blocks = new TreeMap<>();
        private @Nullable StopReason stop;
        private boolean begun;
        private final long inputBytes;
        private boolean counted;
        private long input;
        private long output;
        private long cacheRead;
        private long cacheWrite;

        Reader(Consumer<String> textDeltas, long inputBytes) {
            this.textDeltas = textDeltas;
            this.inputBytes = inputBytes;
        }

        private static final class Block {
            String type = "";
            String id = "";
            String name = "";

            @Nullable
            JsonNode opaque;

            final StringBuilder text = new StringBuilder();
            final StringBuilder signature = new StringBuilder();
        }

        @Override
        public boolean take(JsonNode data) throws ModelException {
            switch (data.path("type").asString("")) {
                case "message_start" -> {
                    begun = true;
                    usage(data.path("message").path("usage"));
                }
                case "content_block_start" -> start(data);
                case "content_block_delta" -> delta(data);
                case "message_delta" -> {
                    usage(data.path("usage"));
                    stop = switch (data.path("delta").path("stop_reason").asString("")) {
                        case "tool_use" -> StopReason.TOOL_USE;
                        case "max_tokens" -> StopReason.MAX_TOKENS;
                        default -> StopReason.END_TURN;
                    };
                }
                case "message_stop" -> {
                    return whole();
                }
                case "error" -> throw error(data.path("error").path("type").asString("error"));
                default -> {}
            }
            return false;
        }

        private ModelException error(String type) {
            return ProviderHttp.failure(
                    type.equals("rate_limit_error") ? Kind.RATE_LIMITED : Kind.UNAVAILABLE,
                    "The model provider broke off its answer (" + type.replaceAll("[^a-z_]", "") + "). Try again.",
                    this,
                    null);
        }

        private void usage(JsonNode usage) {
            counted |= usage.path("input_tokens").isIntegralNumber()
                    || usage.path("output_tokens").isIntegralNumber();
            input = said(usage, "input_tokens", input);
            output = said(usage, "output_tokens", output);
            cacheRead = said(usage, "cache_read_input_tokens", cacheRead);
            cacheWrite = said(usage, "cache_creation_input_tokens", cacheWrite);
        }

        private static long said(JsonNode usage, String field, long before) {
            return usage.path(field).isIntegralNumber() ? usage.path(field).asLong() : before;
        }

        private void start(JsonNode data) {
            Block block = new Block();
            JsonNode given = data.path("content_block");
            block.type = given.path("type").asString("");
            block.id = given.path("id").asString("");
            block.name = given.path("name").asString("");
            block.text.append(given.path("text").asString(given.path("thinking").asString("")));
            if (block.type.equals("redacted_thinking")) {
                block.opaque = given;
            }
            blocks.put(data.path("index").asInt(), block);
        }

        private void delta(JsonNode data) {
            Block block = blocks.computeIfAbsent(data.path("index").asInt(), _ -> new Block());
            JsonNode delta = data.path("delta");
            switch (delta.path("type").asString("")) {
                case "text_delta" -> {
                    String text = delta.path("text").asString("");
                    block.text.append(text);
                    textDeltas.accept(text);
                }
                case "input_json_delta" ->
                    block.text.append(delta.path("partial_json").asString(""));
                case "thinking_delta" ->
                    block.text.append(delta.path("thinking").asString(""));
                case "signature_delta" ->
                    block.signature.append(delta.path("signature").asString(""));
                default -> {}
            }
        }

        @Override
        public boolean begun() {
            return begun || !blocks.isEmpty();
        }

        @Override
        public boolean whole() {
            return stop != null;
        }

        @Override
        public @Nullable Usage spent() {
            return counted ? new Usage(input, output, cacheRead, cacheWrite, false) : null;
        }

        private Usage estimate() {
            return Usage.estimate(
                    inputBytes,
                    blocks.values().stream()
                            .mapToLong(block -> block.text.toString().getBytes(StandardCharsets.UTF_8).length)
                            .sum());
        }

        @Override
        public ModelAnswer answer() {
            List<Content> content = new ArrayList<>();
            for (Block block : blocks.values()) {
                switch (block.type) {
                    case "text" -> {
                        if (!block.text.isEmpty()) {
                            content.add(new Content.Text(block.text.toString()));
                        }
                    }
                    case "thinking" ->
                        content.add(new Content.Thinking(block.text.toString(), block.signature.toString()));
                    case "redacted_thinking" ->
                        content.add(new Content.Opaque(NAME, Objects.requireNonNull(block.opaque)));
                    case "tool_use" ->
                        content.add(new Content.ToolCall(block.id, block.name, arguments(json, block.text.toString())));
                    default -> {}
                }
            }
            return new ModelAnswer(
                    content,
                    Objects.requireNonNullElse(stop, StopReason.END_TURN),
                    Objects.requireNonNullElseGet(spent(), this::estimate));
        }
    }

    /** A tool call's arguments; what is no JSON object becomes an empty one, which the tool refuses with its own words. */
    static JsonNode arguments(JsonMapper json, String text) {
        try {
            JsonNode parsed = json.readTree(text.isBlank() ? "{}" : text);
            return parsed.isObject() ? parsed : json.createObjectNode();
        } catch (JacksonException e) {
            return json.createObjectNode();
        }
    }
}
