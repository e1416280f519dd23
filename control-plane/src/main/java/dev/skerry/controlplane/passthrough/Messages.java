package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.llm.Usage;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Anthropic's Messages. */
record Messages() implements Dialect {
    private static final Set<String> FIELDS = Set.of(
            "model",
            "messages",
            "system",
            "max_tokens",
            "tools",
            "tool_choice",
            "stream",
            "temperature",
            "top_p",
            "top_k",
            "stop_sequences",
            "metadata",
            "thinking",
            "output_config",
            "service_tier");
    private static final Set<String> INLINE = Set.of("base64", "text");

    @Override
    public String provider() {
        return "anthropic";
    }

    @Override
    public String via() {
        return "anthropic.messages";
    }

    @Override
    public String path() {
        return "/v1/messages";
    }

    @Override
    public void check(ObjectNode body) {
        Rules.demandKnown(body, FIELDS);
        Rules.demandOneOf(body, "service_tier", Set.of("auto", "standard_only"));
        Rules.demandOwnTools(body.path("tools"), "custom", Set.of("custom"));
        if (mostOutput(body).isEmpty()) {
            throw NotPassed.invalid("max_tokens", "max_tokens: Field required");
        }
        shortCache("tools", body.path("tools"));
        blocks("system", body.path("system"));
        body.path("messages").valueStream().forEach(message -> blocks("messages", message.path("content")));
    }

    private static void blocks(String field, JsonNode content) {
        shortCache(field, content);
        Rules.demandParts(field, content, (type, block) -> known(field, type, block));
    }

    private static boolean known(String field, String type, JsonNode block) {
        return switch (type) {
            case "text", "thinking", "redacted_thinking", "tool_use" -> true;
            case "tool_result" -> {
                blocks(field, block.path("content"));
                yield true;
            }
            case "image", "document" -> {
                if (!INLINE.contains(block.path("source").path("type").asString(""))) {
                    throw NotPassed.denied(
                            field, "Send data inline (base64): the provider fetches nothing for a sandbox.");
                }
                yield true;
            }
            default -> false;
        };
    }

    /** A longer life in the provider's cache has another price. */
    private static void shortCache(String field, JsonNode pieces) {
        for (JsonNode piece : pieces) {
            String life = piece.path("cache_control").path("ttl").asString("5m");
            if (!life.equals("5m")) {
                throw NotPassed.denied(field, "cache_control may have the ttl 5m only.");
            }
        }
    }

    @Override
    public int answers(ObjectNode body) {
        return 1;
    }

    @Override
    public Optional<Integer> mostOutput(ObjectNode body) {
        return Rules.count(body, "max_tokens");
    }

    @Override
    public void complete(ObjectNode body, int mostOutput, boolean openAiItself) {}

    @Override
    public Meter meter() {
        return new Reading();
    }

    @Override
    public JsonNode error(JsonMapper json, int status, String code, @Nullable String field, String message) {
        ObjectNode body = json.createObjectNode();
        body.put("type", "error")
                .putObject("error")
                .put("type", type(status))
                .put("message", field == null ? message : field + ": " + message);
        return body;
    }

    private static String type(int status) {
        return switch (status) {
            case 401 -> "authentication_error";
            case 402 -> "billing_error";
            case 403 -> "permission_error";
            case 404 -> "not_found_error";
            case 413 -> "request_too_large";
            case 429 -> "rate_limit_error";
            case 503 -> "overloaded_error";
            default -> status >= 500 ? "api_error" : "invalid_request_error";
        };
    }

    private static final class Reading extends Meter {
        private boolean said;
        private long input;
        private long output;
        private long cacheRead;
        private long cacheWrite;

        @Override
        boolean event(JsonNode event) {
            switch (event.path("type").asString("")) {
                case "message_start" -> {
                    begin();
                    read(event.path("message").path("usage"));
                }
                case "content_block_start" ->
                    tool(event.path("content_block").path("name").asString(""));
                case "content_block_delta" -> {
                    text(event.path("delta").path("text").asString(""));
                    wrote(event.path("delta").path("partial_json").asString(""));
                    wrote(event.path("delta").path("thinking").asString(""));
                }
                case "message_delta" -> {
                    stopped(event.path("delta").path("stop_reason").asString(""));
                    read(event.path("usage"));
                }
                case "message_stop" -> {
                    return said;
                }
                default -> {}
            }
            return false;
        }

        @Override
        void whole(JsonNode answer) {
            for (JsonNode block : answer.path("content")) {
                text(block.path("text").asString(""));
                tool(block.path("name").asString(""));
            }
            stopped(answer.path("stop_reason").asString(""));
            read(answer.path("usage"));
        }

        private void read(JsonNode usage) {
            if (usage.isObject()) {
                said = true;
                input = newer(usage, "input_tokens", input);
                output = newer(usage, "output_tokens", output);
                cacheRead = newer(usage, "cache_read_input_tokens", cacheRead);
                cacheWrite = newer(usage, "cache_creation_input_tokens", cacheWrite);
            }
        }

        private static long newer(JsonNode usage, String field, long before) {
            return usage.path(field).isIntegralNumber() ? number(usage, field) : before;
        }

        @Override
        @Nullable
        Usage usage() {
            return said ? new Usage(input, output, cacheRead, cacheWrite, false) : null;
        }
    }
}
