package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.llm.OpenAiUsage;
import dev.skerry.controlplane.llm.Usage;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** OpenAI's Responses, without the state that it can keep: one organisation's key serves every session. */
record Responses() implements Dialect {
    private static final Set<String> FIELDS = Set.of(
            "model",
            "input",
            "instructions",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "max_output_tokens",
            "stream",
            "stream_options",
            "temperature",
            "top_p",
            "top_logprobs",
            "text",
            "reasoning",
            "include",
            "truncation",
            "store",
            "background",
            "service_tier",
            "user",
            "safety_identifier",
            "prompt_cache_key");
    private static final Set<String> INCLUDED = Set.of("reasoning.encrypted_content", "message.output_text.logprobs");
    private static final String STATELESS =
            "The provider keeps no state for a sandbox: send the whole conversation as input.";

    @Override
    public String provider() {
        return "openai";
    }

    @Override
    public String via() {
        return "openai.responses";
    }

    @Override
    public String path() {
        return "/responses";
    }

    @Override
    public void check(ObjectNode body) {
        for (String stateful : new String[] {"previous_response_id", "conversation", "prompt"}) {
            JsonNode value = body.path(stateful);
            if (!value.isMissingNode() && !value.isNull()) {
                throw NotPassed.denied(stateful, STATELESS);
            }
            body.remove(stateful);
        }
        Rules.demandKnown(body, FIELDS);
        Rules.demandFalse(body, "background", STATELESS);
        Rules.demandOneOf(body, "service_tier", Set.of("auto", "default"));
        Rules.demandOwnTools(body.path("tools"), "function", Set.of("function", "custom"));
        body.path("include").valueStream().forEach(included -> {
            if (!INCLUDED.contains(included.asString(""))) {
                throw NotPassed.denied(
                        "include",
                        "This gateway passes " + INCLUDED.stream().sorted().toList() + ".");
            }
        });
        for (JsonNode item : body.path("input")) {
            item(item);
        }
    }

    private static void item(JsonNode item) {
        String type = item.path("type").asString("message");
        switch (type) {
            case "message" -> Rules.demandParts("input", item.path("content"), Responses::known);
            case "function_call_output", "custom_tool_call_output" ->
                Rules.demandParts("input", item.path("output"), Responses::known);
            case "function_call", "custom_tool_call", "reasoning" -> {}
            default -> throw Rules.unknownContent("input", type);
        }
    }

    private static boolean known(String type, JsonNode part) {
        return switch (type) {
            case "input_text", "output_text", "text", "refusal" -> true;
            case "input_image" -> {
                if (part.hasNonNull("file_id")) {
                    throw NotPassed.denied("input", STATELESS);
                }
                Rules.demandInline("input", part.path("image_url"));
                yield true;
            }
            default -> false;
        };
    }

    @Override
    public int answers(ObjectNode body) {
        return 1;
    }

    @Override
    public Optional<Integer> mostOutput(ObjectNode body) {
        return Rules.count(body, "max_output_tokens");
    }

    @Override
    public void complete(ObjectNode body, int mostOutput, boolean openAiItself) {
        body.put("max_output_tokens", mostOutput);
        body.put("store", false);
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
            switch (event.path("type").asString("")) {
                case "response.created", "response.in_progress" -> begin();
                case "response.output_text.delta" -> text(event.path("delta").asString(""));
                case "response.function_call_arguments.delta",
                        "response.custom_tool_call_input.delta",
                        "response.reasoning_summary_text.delta" ->
                    wrote(event.path("delta").asString(""));
                case "response.output_item.added" ->
                    tool(event.path("item").path("name").asString(""));
                case "response.completed", "response.incomplete", "response.failed" -> {
                    stopped(event.path("response").path("status").asString(""));
                    read(event.path("response").path("usage"));
                    return usage != null;
                }
                default -> {}
            }
            return false;
        }

        @Override
        void whole(JsonNode answer) {
            for (JsonNode item : answer.path("output")) {
                tool(item.path("name").asString(""));
                item.path("content").forEach(part -> text(part.path("text").asString("")));
            }
            stopped(answer.path("status").asString(""));
            read(answer.path("usage"));
        }

        private void read(JsonNode said) {
            if (said.isObject()) {
                usage = OpenAiUsage.ofResponse(said);
            }
        }

        @Override
        @Nullable
        Usage usage() {
            return usage;
        }
    }
}
