package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.llm.OpenAiUsage;
import dev.skerry.controlplane.llm.Usage;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** OpenAI's Chat Completions. */
record ChatCompletions() implements Dialect {
    private static final Set<String> FIELDS = Set.of(
            "model",
            "messages",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "functions",
            "function_call",
            "stream",
            "stream_options",
            "max_tokens",
            "max_completion_tokens",
            "n",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "stop",
            "seed",
            "presence_penalty",
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "top_logprobs",
            "response_format",
            "reasoning_effort",
            "verbosity",
            "modalities",
            "store",
            "service_tier",
            "user",
            "safety_identifier",
            "prompt_cache_key");
    private static final int MOST_ANSWERS = 8;

    @Override
    public String provider() {
        return "openai";
    }

    @Override
    public String via() {
        return "openai.chat";
    }

    @Override
    public String path() {
        return "/chat/completions";
    }

    @Override
    public void check(ObjectNode body) {
        Rules.demandKnown(body, FIELDS);
        Rules.demandFalse(body, "store", "The provider keeps no conversation of a sandbox: leave store out.");
        Rules.demandOneOf(body, "service_tier", Set.of("auto", "default"));
        Rules.demandOwnTools(body.path("tools"), "function", Set.of("function", "custom"));
        body.path("modalities").valueStream().forEach(modality -> {
            if (!modality.asString("").equals("text")) {
                throw NotPassed.denied("modalities", "Only text is passed on.");
            }
        });
        body.path("messages")
                .valueStream()
                .forEach(message -> Rules.demandParts("messages", message.path("content"), ChatCompletions::known));
    }

    private static boolean known(String type, JsonNode part) {
        return switch (type) {
            case "text", "refusal" -> true;
            case "image_url" -> {
                JsonNode image = part.path("image_url");
                Rules.demandInline("messages", image.isString() ? image : image.path("url"));
                yield true;
            }
            default -> false;
        };
    }

    @Override
    public int answers(ObjectNode body) {
        int answers = Rules.count(body, "n").orElse(1);
        if (answers > MOST_ANSWERS) {
            throw NotPassed.invalid("n", "n may be " + MOST_ANSWERS + " at most.");
        }
        return answers;
    }

    @Override
    public Optional<Integer> mostOutput(ObjectNode body) {
        Optional<Integer> older = Rules.count(body, "max_tokens");
        Optional<Integer> newer = Rules.count(body, "max_completion_tokens");
        return newer.isPresent() && older.isPresent()
                ? Optional.of(Math.max(newer.get(), older.get()))
                : newer.or(() -> older);
    }

    @Override
    public void complete(ObjectNode body, int mostOutput, boolean openAiItself) {
        if (mostOutput(body).isEmpty()) {
            body.put(openAiItself ? "max_completion_tokens" : "max_tokens", mostOutput);
        }
        if (Rules.streamed(body)) {
            ObjectNode options =
                    body.path("stream_options") instanceof ObjectNode given ? given : body.putObject("stream_options");
            options.put("include_usage", true);
        }
    }

    @Override
    public Meter meter() {
        return new Reading();
    }

    @Override
    public JsonNode error(JsonMapper json, int status, String code, @Nullable String field, String message) {
        return OpenAiErrors.error(json, status, code, field, message);
    }

    private static final class Reading extends Meter {
        private @Nullable Usage usage;

        @Override
        boolean event(JsonNode event) {
            for (JsonNode choice : event.path("choices")) {
                begin();
                JsonNode delta = choice.path("delta");
                text(delta.path("content").asString(""));
                wrote(delta.path("reasoning_content").asString(""));
                for (JsonNode call : delta.path("tool_calls")) {
                    tool(call.path("function").path("name").asString(""));
                    wrote(call.path("function").path("arguments").asString(""));
                }
                stopped(choice.path("finish_reason").asString(""));
            }
            read(event.path("usage"));
            return usage != null && event.path("choices").isEmpty();
        }

        @Override
        void whole(JsonNode answer) {
            for (JsonNode choice : answer.path("choices")) {
                begin();
                text(choice.path("message").path("content").asString(""));
                choice.path("message")
                        .path("tool_calls")
                        .forEach(call -> tool(call.path("function").path("name").asString("")));
                stopped(choice.path("finish_reason").asString(""));
            }
            read(answer.path("usage"));
        }

        private void read(JsonNode said) {
            if (said.isObject()) {
                usage = OpenAiUsage.ofChat(said);
            }
        }

        @Override
        @Nullable
        Usage usage() {
            return usage;
        }
    }
}
