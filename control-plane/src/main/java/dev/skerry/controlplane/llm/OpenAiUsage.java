package dev.skerry.controlplane.llm;

import tools.jackson.databind.JsonNode;

/** Reads what OpenAI counted, in both of its forms; its input includes what came from the cache. */
public final class OpenAiUsage {
    private OpenAiUsage() {}

    public static Usage ofChat(JsonNode said) {
        return of(said, "prompt_tokens", "completion_tokens");
    }

    public static Usage ofResponse(JsonNode said) {
        return of(said, "input_tokens", "output_tokens");
    }

    private static Usage of(JsonNode said, String input, String output) {
        long cached = count(said.path(input + "_details").path("cached_tokens"));
        return new Usage(Math.max(0, count(said.path(input)) - cached), count(said.path(output)), cached, 0, false);
    }

    private static long count(JsonNode said) {
        return Math.max(0, said.asLong(0));
    }
}
