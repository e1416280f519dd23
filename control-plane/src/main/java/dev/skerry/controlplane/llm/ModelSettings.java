package dev.skerry.controlplane.llm;

import org.jspecify.annotations.Nullable;

/**
 * Where models come from; a null key means that the provider is not used.
 *
 * @param openAiBaseUrl null for OpenAI itself; any compatible server otherwise
 * @param openAiModel the model to use at a compatible server, and an extra one at OpenAI
 * @param defaultModel overrides which listed model is used when a session names none
 * @param pricesFile replaces the built-in price table
 */
public record ModelSettings(
        @Nullable Secret anthropicKey,
        @Nullable String anthropicBaseUrl,
        @Nullable Secret openAiKey,
        @Nullable String openAiBaseUrl,
        @Nullable String openAiModel,
        @Nullable String defaultModel,
        @Nullable String pricesFile) {
    public static ModelSettings none() {
        return new ModelSettings(null, null, null, null, null, null, null);
    }
}
