package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.llm.ModelSettings;
import dev.skerry.controlplane.llm.ModelSettings.OpenAiApi;
import dev.skerry.controlplane.llm.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where models come from; what is empty is not used.
 *
 * @param anthropicKey by default the variable {@code ANTHROPIC_API_KEY}
 * @param anthropicBaseUrl by default {@code ANTHROPIC_BASE_URL}, or Anthropic itself
 * @param openaiKey by default {@code OPENAI_API_KEY}
 * @param openaiBaseUrl by default {@code OPENAI_BASE_URL}, or OpenAI itself; any compatible server otherwise
 * @param openaiModel by default {@code OPENAI_MODEL}; the model to use at a compatible server, an extra one at OpenAI
 * @param anthropicKeyFile a file that holds the key, instead of the key itself
 * @param openaiKeyFile a file that holds the key, instead of the key itself
 * @param openaiApi chat or responses: in which form OpenAI's models are asked
 * @param fallbacks by model, which others to ask where it is not available and nothing of an answer has come, in this order
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
        @Nullable String anthropicKeyFile,
        @Nullable String openaiKeyFile,
        @DefaultValue("chat") OpenAiApi openaiApi,
        @Nullable String defaultModel,
        @DefaultValue Map<String, List<String>> fallbacks,
        @Nullable String pricesFile) {

    ModelSettings settings() {
        return new ModelSettings(
                secret("anthropic-key", anthropicKey, anthropicKeyFile),
                given(anthropicBaseUrl),
                secret("openai-key", openaiKey, openaiKeyFile),
                given(openaiBaseUrl),
                given(openaiModel),
                openaiApi,
                given(defaultModel),
                fallbacks,
                given(pricesFile));
    }

    private static @Nullable Secret secret(String name, @Nullable String value, @Nullable String file) {
        String given = given(value);
        String path = given(file);
        if (path == null) {
            return given == null ? null : new Secret(given);
        }
        if (given != null) {
            throw new IllegalArgumentException(
                    "Give either skerry.models." + name + " or skerry.models." + name + "-file.");
        }
        try {
            String read = given(Files.readString(Path.of(path)));
            if (read != null) {
                return new Secret(read);
            }
        } catch (IOException | InvalidPathException e) {
            throw new IllegalArgumentException(
                    "skerry.models." + name + "-file, " + path
                            + ", cannot be read: give this process the right to, or correct the path.",
                    e);
        }
        throw new IllegalArgumentException("skerry.models." + name + "-file, " + path + ", is empty.");
    }

    private static @Nullable String given(@Nullable String value) {
        return value == null || value.isBlank() ? null : value.strip();
    }

    @Override
    public String toString() {
        return "ModelProperties";
    }
}
