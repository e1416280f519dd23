package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * OpenAI's Responses, streamed and without state at the provider; source: platform.openai.com, "Responses" and "Streaming events".
 *
 * <p>What a model reasoned comes back encrypted and is sent along with the next call.
 */
final class OpenAiResponsesProvider implements ModelProvider {
    private static final Pattern REASONING = Pattern.compile("(o\\d|gpt-[5-9]).*");

    private final String url;
    private final @Nullable Secret key;
    private final JsonMapper json;
    private final ProviderHttp http;

    OpenAiResponsesProvider(String baseUrl, @Nullable Secret key, JsonMapper json) {
        this.url = baseUrl.replaceAll("/+$", "") + "/responses";
        this.key = key;
        this.json = json;
        this.http = new ProviderHttp(json, "OPENAI_API_KEY", key);
    }

    @Override
    public String name() {
        return OpenAiProvider.NAME;
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
        body.put("max_output_tokens", request.maxOutputTokens());
        body.put("stream", true);
        body.put("store", false);
        if (REASONING.matcher(request.model()).matches()) {
            body.putArray("include").add("reasoning.encrypted_content");
        }
        if (!request.system().isBlank()) {
            body.put("instructions", request.system());
        }
        ArrayNode input = body.putArray("input");
        request.messages().forEach(message -> add(input, message));
        OpenAiTools.put(body, request, (wire, tool) -> OpenAiTools.describe(wire.put("strict", false), tool));
        return body;
    }

    private void add(ArrayNode input, Message message) {
        switch (message.role()) {
            case USER -> {
                ArrayNode content = input.addObject().put("role", "user").putArray("content");
                for (Content block : message.content()) {
                    if (block instanceof Content.Text text) {
                        content.addObject().put("type", "input_text").put("text", text.text());
                    } else if (block instanceof Content.Image image) {
                        content.addObject().put("type", "input_image").put("image_url", image.dataUrl());
                    }
                }
            }
            case TOOL ->
                input.addObject()
                        .put("type", "function_call_output")
                        .put("call_id", message.toolCallId())
                        .put("output", message.text());
            case ASSISTANT -> message.content().forEach(block -> addAssistant(input, block));
        }
    }

    private void addAssistant(ArrayNode input, Content block) {
        switch (block) {
            case Content.Text text -> {
                if (!text.text().isBlank()) {
                    input.addObject()
                            .put("role", "assistant")
                            .putArray("content")
                            .addObject()
                            .put("type", "output_text")
                            .put("text", text.text());
                }
            }
            case Content.ToolCall call ->
                input.addObject()
                        .put("type", "function_call")
                        .put("call_id", call.id())
                        .put("name", call.name())
                        .put("arguments", json.writeValueAsString(call.arguments()));
            case Content.Opaque opaque -> {
                if (opaque.provider().equals(OpenAiProvider.NAME)) {
                    input.add(opaque.block());
                }
            }
            case Content.Thinking ignored -> {}
            case Content.Image ignored -> {}
        }
    }

    private final class Reader implements ProviderHttp.Reader {
        private final Consumer<String> textDeltas;
        private final long inputBytes;
        private final TreeMap<Integer, JsonNode> items = new TreeMap<>();
        private boolean begun;
        private @Nullable StopReason stop;
        private @Nullable Usage usage;

        Reader(Consumer<String> textDeltas, long inputBytes) {
            this.textDeltas = textDeltas;
            this.inputBytes = inputBytes;
        }

        @Override
        public boolean take(JsonNode data) throws ModelException {
            String type = data.path("type").asString("");
            begun |= type.startsWith("response.") && !type.equals("response.failed");
            switch (type) {
                case "response.output_text.delta" ->
                    textDeltas.accept(data.path("delta").asString(""));
                case "response.output_item.done" ->
                    items.put(data.path("output_index").asInt(items.size()), data.path("item"));
                case "response.completed", "response.incomplete" -> {
                    usage(data.path("response").path("usage"));
                    stop = stop(data.path("response"));
                    return true;
                }
                case "response.failed" -> {
                    usage(data.path("response").path("usage"));
                    throw failure(
                            data.path("response").path("error").path("code").asString(""));
                }
                case "error" ->
                    throw failure(data.path("code")
                            .asString(data.path("error").path("code").asString("")));
                default -> {}
            }
            return false;
        }

        private ModelException failure(String code) {
            return ProviderHttp.failure(
                    code.equals("rate_limit_exceeded") ? Kind.RATE_LIMITED : Kind.UNAVAILABLE,
                    "The model provider broke off its answer. Try again.",
                    this,
                    null);
        }

        private StopReason stop(JsonNode response) {
            if (response.path("incomplete_details").path("reason").asString("").equals("max_output_tokens")) {
                return StopReason.MAX_TOKENS;
            }
            boolean calls = items.values().stream()
                    .anyMatch(item -> item.path("type").asString("").equals("function_call"));
            return calls ? StopReason.TOOL_USE : StopReason.END_TURN;
        }

        private void usage(JsonNode said) {
            if (said.isObject()) {
                usage = OpenAiUsage.ofResponse(said);
            }
        }

        @Override
        public boolean begun() {
            return begun;
        }

        @Override
        public boolean whole() {
            return stop != null;
        }

        @Override
        public @Nullable Usage spent() {
            return usage;
        }

        @Override
        public ModelAnswer answer() {
            List<Content> content = new ArrayList<>();
            items.values().forEach(item -> read(item, content));
            return new ModelAnswer(
                    content,
                    Objects.requireNonNullElse(stop, StopReason.END_TURN),
                    Objects.requireNonNullElseGet(usage, this::estimate));
        }

        private Usage estimate() {
            long outputBytes = items.values().stream()
                    .mapToLong(item -> json.writeValueAsBytes(item).length)
                    .sum();
            return Usage.estimate(inputBytes, outputBytes);
        }

        private void read(JsonNode item, List<Content> content) {
            switch (item.path("type").asString("")) {
                case "message" ->
                    item.path("content").forEach(part -> {
                        String text =
                                part.path("text").asString(part.path("refusal").asString(""));
                        if (!text.isEmpty()) {
                            content.add(new Content.Text(text));
                        }
                    });
                case "function_call" ->
                    content.add(new Content.ToolCall(
                            item.path("call_id").asString(""),
                            item.path("name").asString(""),
                            AnthropicProvider.arguments(
                                    json, item.path("arguments").asString(""))));
                case "reasoning" -> {
                    if (item.path("encrypted_content").isString()) {
                        content.add(new Content.Opaque(OpenAiProvider.NAME, item));
                    }
                }
                default -> {}
            }
        }
    }
}
