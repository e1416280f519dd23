package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.llm.ModelSettings;
import dev.skerry.controlplane.llm.Secret;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where models come from; what is empty is not used.
 *
 * @param anthropicKey by default the variable {@code ANTHROPIC_API_KEY}
 * @param anthropicBaseUrl by default {@code ANTHROPIC_BASE_URL}, or Anthropic itself
 * @param openaiKey by default {@code OPENAI_API_KEY}
 * @param openaiBaseUrl by default {@code OPENAI_BASE_URL}, or OpenAI itself; any compatible server otherwise
 * @param openaiModel by default {@code OPENAI_MODEL}; the model to use at a compatible server, an extra one at OpenAI
 * @param defaultModel the model of sessions that name none
 * @param pricesFile replaces the built-in price table
 */
@ConfigurationProperties("skerry.models")
record ModelProperties(
        @Nullable String anthropicKey,
        @Nullable String anthropicBaseUrl,
        @Nullable String openaiKey,
        @Nullable String openaiBaseUrl,
        @Nullable String openaiModel,
        @Nullable String defaultModel,
        @Nullable String pricesFile) {

    ModelSettings settings() {
        return new ModelSettings(
                secret(anthropicKey),
                given(anthropicBaseUrl),
                secret(openaiKey),
                given(openaiBaseUrl),
                given(openaiModel),
                given(defaultModel),
                given(pricesFile));
    }

    private static @Nullable Secret secret(@Nullable String value) {
        String given = given(value);
        return given == null ? null : new Secret(given);
    }

    private static @Nullable String given(@Nullable String value) {
        return value == null || value.isBlank() ? null : value.strip();
    }

    @Override
    public String toString() {
        return "ModelProperties";
    }
}
