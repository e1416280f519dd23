package dev.skerry.controlplane.llm;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where models come from; a null key means that the provider is not used.
 *
 * @param openAiBaseUrl null for OpenAI itself; any compatible server otherwise
 * @param openAiModel the model to use at a compatible server, and an extra one at OpenAI
 * @param defaultModel overrides which listed model is used when a session names none
 * @param openAiApi in which form OpenAI's models are asked
 * @param fallbacks by model, which others to ask where it is not available, in this order
 * @param pricesFile replaces the built-in price table
 */
public record ModelSettings(
        @Nullable Secret anthropicKey,
        @Nullable String anthropicBaseUrl,
        @Nullable Secret openAiKey,
        @Nullable String openAiBaseUrl,
        @Nullable String openAiModel,
        OpenAiApi openAiApi,
        @Nullable String defaultModel,
        Map<String, List<String>> fallbacks,
        @Nullable String pricesFile) {
    /** The forms in which OpenAI's models can be asked; compatible servers know the first at least. */
    public enum OpenAiApi {
        CHAT,
        RESPONSES
    }

    public static ModelSettings none() {
        return new ModelSettings(null, null, null, null, null, OpenAiApi.CHAT, null, Map.of(), null);
    }
}
