package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** OpenAI's Chat Completions, streamed, and whatever server is compatible; source: platform.openai.com, "Chat Completions". */
final class OpenAiProvider implements ModelProvider {
    static final String NAME = "openai";
    static final String OPENAI = "https://api.openai.com/v1";

    private final String url;
    private final boolean openAiItself;
    private final @Nullable Secret key;
    private final JsonMapper json;
    private final ProviderHttp http;

    /** {@code key} may be missing at servers that want none. */
    OpenAiProvider(String baseUrl, @Nullable Secret key, JsonMapper json) {
        this.url = baseUrl.replaceAll("/+$", "") + "/chat/completions";
        this.openAiItself = baseUrl.startsWith(OPENAI);
        this.key = key;
        this.json = json;
        this.http = new ProviderHttp(json, "OPENAI_API_KEY", key);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public ModelAnswer generate(ModelRequest request, Consumer<String> textDeltas) throws ModelException {
        ObjectNode body = body(request);
        long inputBytes = json.writeValueAsBytes(body).length;
        return http.stream(
                url,
                key == null ? Map.of() : Map.of("Authorization", "Bearer " + key.value()),
                body,
                request.deadline(),
                new Reader(textDeltas, inputBytes));
    }

    private ObjectNode body(ModelRequest request) {
        ObjectNode body = json.createObjectNode();
        body.put("model", request.model());
        body.put(openAiItself ? "max_completion_tokens" : "max_tokens", request.maxOutputTokens());
        body.put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        ArrayNode messages = body.putArray("messages");
        messages.addObject().put("role", "system").put("content", request.system());
        request.messages().forEach(message -> add(messages, message));
        OpenAiTools.put(body, request, (wire, tool) -> OpenAiTools.describe(wire.putObject("function"), tool));
        return body;
    }

    private void add(ArrayNode messages, Message message) {
        switch (message.role()) {
            case USER -> {
                ObjectNode wire = messages.addObject().put("role", "user");
                if (message.content().stream().anyMatch(Content.Image.class::isInstance)) {
                    addParts(wire.putArray("content"), message);
                } else {
                    wire.put("content", message.text());
                }
            }
            case TOOL ->
                messages.addObject()
                        .put("role", "tool")
                        .put("tool_call_id", message.toolCallId())
                        .put("content", message.text());
            case ASSISTANT -> {
                ObjectNode wire = messages.addObject().put("role", "assistant");
                wire.put("content", message.text());
                ArrayNode calls = json.createArrayNode();
                for (Content block : message.content()) {
                    if (block instanceof Content.ToolCall call) {
                        calls.addObject()
                                .put("id", call.id())
                                .put("type", "function")
                                .putObject("function")
                                .put("name", call.name())
                                .put("arguments", json.writeValueAsString(call.arguments()));
                    }
                }
                if (!calls.isEmpty()) {
                    wire.set("tool_calls", calls);
                }
            }
        }
    }

    private static void addParts(ArrayNode parts, Message message) {
        for (Content block : message.content()) {
            if (block instanceof Content.Text text) {
                parts.addObject().put("type", "text").put("text", text.text());
            } else if (block instanceof Content.Image image) {
                parts.addObject()
                        .put("type", "image_url")
                        .putObject("image_url")
                        .put("url", image.dataUrl());
            }
        }
    }

    private final class Reader implements ProviderHttp.Reader {
        private final Consumer<String> textDeltas;
        private final long inputBytes;
        private final StringBuilder text = new StringBuilder();
        private final TreeMap<Integer, PartialCall> calls = new TreeMap<>();
        private @Nullable JsonNode usage;
        private @Nullable String finish;
        private boolean begun;

        private static final class PartialCall {
            String id = "";
            final StringBuilder name = new StringBuilder();
            final StringBuilder arguments = new StringBuilder();
        }

        Reader(Consumer<String> textDeltas, long inputBytes) {
            this.textDeltas = textDeltas;
            this.inputBytes = inputBytes;
        }

        @Override
        public boolean take(JsonNode data) throws ModelException {
            if (data.path("error").isObject() || data.path("error").isString()) {
                throw ProviderHttp.failure(
                        Kind.UNAVAILABLE, "The model provider broke off its answer. Try again.", this, null);
            }
            begun |= data.path("choices").isArray();
            if (data.path("usage").isObject()) {
                usage = data.path("usage");
            }
            JsonNode choice = data.path("choices").path(0);
            if (choice.path("finish_reason").isString()) {
                finish = choice.path("finish_reason").asString();
            }
            JsonNode delta = choice.path("delta");
            String piece = delta.path("content").asString("");
            if (!piece.isEmpty()) {
                text.append(piece);
                textDeltas.accept(piece);
            }
            delta.path("tool_calls").valueStream().forEach(this::call);
            return false;
        }

        private void call(JsonNode delta) {
            PartialCall call = calls.computeIfAbsent(delta.path("index").asInt(calls.size()), _ -> new PartialCall());
            if (!delta.path("id").asString("").isEmpty()) {
                call.id = delta.path("id").asString();
            }
            call.name.append(delta.path("function").path("name").asString(""));
            call.arguments.append(delta.path("function").path("arguments").asString(""));
        }

        @Override
        public boolean begun() {
            return begun;
        }

        @Override
        public boolean whole() {
            return finish != null;
        }

        @Override
        public @Nullable Usage spent() {
            return usage == null ? null : usage();
        }

        @Override
        public ModelAnswer answer() {
            List<Content> content = new ArrayList<>();
            if (!text.isEmpty()) {
                content.add(new Content.Text(text.toString()));
            }
            calls.forEach((index, call) -> content.add(new Content.ToolCall(
                    call.id.isEmpty() ? "call_" + index : call.id,
                    call.name.toString(),
                    AnthropicProvider.arguments(json, call.arguments.toString()))));
            StopReason stop = "length".equals(finish)
                    ? StopReason.MAX_TOKENS
                    : calls.isEmpty() ? StopReason.END_TURN : StopReason.TOOL_USE;
            return new ModelAnswer(content, stop, usage());
        }

        private Usage usage() {
            if (usage == null) {
                long outputBytes = text.toString().getBytes(StandardCharsets.UTF_8).length
                        + calls.values().stream()
                                .mapToLong(call -> call.arguments.length())
                                .sum();
                return Usage.estimate(inputBytes, outputBytes);
            }
            return OpenAiUsage.ofChat(usage);
        }
    }
}
