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
import java.util.function.Function;
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
 * @param anthropicKeyStored whether the key is in the store of credentials, where it may be replaced at any time
 * @param openaiKeyStored the same of OpenAI's
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
        @DefaultValue("false") boolean anthropicKeyStored,
        @DefaultValue("false") boolean openaiKeyStored,
        @DefaultValue("chat") OpenAiApi openaiApi,
        @Nullable String defaultModel,
        @DefaultValue Map<String, List<String>> fallbacks,
        @Nullable String pricesFile) {

    /** {@code stored} finds the key of a provider in the store of credentials. */
    ModelSettings settings(Function<String, Secret> stored) {
        return new ModelSettings(
                secret("anthropic", anthropicKey, anthropicKeyFile, anthropicKeyStored, stored),
                given(anthropicBaseUrl),
                secret("openai", openaiKey, openaiKeyFile, openaiKeyStored, stored),
                given(openaiBaseUrl),
                given(openaiModel),
                openaiApi,
                given(defaultModel),
                fallbacks,
                given(pricesFile));
    }

    private static @Nullable Secret secret(
            String provider,
            @Nullable String value,
            @Nullable String file,
            boolean fromStore,
            Function<String, Secret> stored) {
        String name = "skerry.models." + provider + "-key";
        String given = given(value);
        String path = given(file);
        if ((given == null ? 0 : 1) + (path == null ? 0 : 1) + (fromStore ? 1 : 0) > 1) {
            throw new IllegalArgumentException(
                    "Give only one of " + name + ", " + name + "-file and " + name + "-stored.");
        }
        if (fromStore) {
            return stored.apply(provider);
        }
        return path == null ? given == null ? null : Secret.of(given) : ofFile(name + "-file", path);
    }

    private static Secret ofFile(String name, String path) {
        try {
            String read = given(Files.readString(Path.of(path)));
            if (read != null) {
                return Secret.of(read);
            }
        } catch (IOException | InvalidPathException e) {
            throw new IllegalArgumentException(
                    name + ", " + path + ", cannot be read: give this process the right to, or correct the path.", e);
        }
        throw new IllegalArgumentException(name + ", " + path + ", is empty.");
    }

    private static @Nullable String given(@Nullable String value) {
        return value == null || value.isBlank() ? null : value.strip();
    }

    @Override
    public String toString() {
        return "ModelProperties";
    }
}
