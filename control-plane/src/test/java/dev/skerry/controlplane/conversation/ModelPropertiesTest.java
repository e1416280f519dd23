package dev.skerry.controlplane.conversation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelSettings.OpenAiApi;
import dev.skerry.controlplane.llm.Secret;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import tools.jackson.databind.json.JsonMapper;

class ModelPropertiesTest {
    private static final Function<String, Secret> NOTHING_STORED = provider -> {
        throw new AssertionError("nobody was to look for the key of " + provider);
    };

    @TempDir
    Path directory;

    @Test
    void readsAKeyFromAFile() throws Exception {
        Path file = Files.writeString(directory.resolve("key"), "sk-canary\n");
        ModelProperties properties = bind(Map.of("anthropic-key-file", file.toString()));

        assertThat(properties.settings(NOTHING_STORED).anthropicKey().value()).isEqualTo("sk-canary");
        assertThat(properties.toString() + properties.settings(NOTHING_STORED)).doesNotContain("sk-canary");
    }

    @Test
    void saysWhatIsWrongWithAKeyFile() throws Exception {
        Path empty = Files.writeString(directory.resolve("empty"), " \n");

        assertThatThrownBy(
                        () -> bind(Map.of("openai-key-file", empty.toString())).settings(NOTHING_STORED))
                .hasMessageContaining("skerry.models.openai-key-file")
                .hasMessageContaining("is empty");
        assertThatThrownBy(() ->
                        bind(Map.of("openai-key-file", directory + "/absent")).settings(NOTHING_STORED))
                .hasMessageContaining("cannot be read");
        assertThatThrownBy(() -> bind(Map.of("openai-key-file", "/x", "openai-key", "sk-canary"))
                        .settings(NOTHING_STORED))
                .hasMessageContaining("Give only one of")
                .hasMessageNotContaining("canary");
    }

    @Test
    void takesAKeyFromTheStoreAndFromNowhereElseThen() {
        ModelProperties properties = bind(Map.of("openai-key-stored", "true"));

        assertThat(properties
                        .settings(provider -> Secret.of("stored " + provider))
                        .openAiKey()
                        .value())
                .isEqualTo("stored openai");
        assertThatThrownBy(() -> bind(Map.of("openai-key-stored", "true", "openai-key", "sk-canary"))
                        .settings(NOTHING_STORED))
                .hasMessageContaining("Give only one of")
                .hasMessageNotContaining("canary");
    }

    @Test
    void takesFallbacksAndTheFormOfOpenAisModels() {
        ModelProperties properties =
                bind(Map.of("fallbacks[claude-sonnet-4-5][0]", "claude-haiku-4-5", "openai-api", "responses"));

        assertThat(properties.settings(NOTHING_STORED).fallbacks())
                .isEqualTo(Map.of("claude-sonnet-4-5", List.of("claude-haiku-4-5")));
        assertThat(properties.settings(NOTHING_STORED).openAiApi()).isEqualTo(OpenAiApi.RESPONSES);
        assertThat(bind(Map.of("openai-key", "k")).settings(NOTHING_STORED).openAiApi())
                .isEqualTo(OpenAiApi.CHAT);
    }

    @Test
    void refusesAFallbackThatIsNotOffered() {
        ModelProperties properties = bind(Map.of("fallbacks.rehearsal[0]", "gpt-5"));

        assertThatThrownBy(() -> catalogue(properties)).hasMessageContaining("'gpt-5', which is not offered");
    }

    @Test
    void takesPricesFromAFile() throws Exception {
        Path file = Files.writeString(directory.resolve("prices.json"), """
                {"version": "mine", "models": [{"id": "local", "provider": "openai", "context_tokens": 1000,
                  "max_output_tokens": 10, "usd_per_mtok": {"input": "1", "output": "2"}}]}""");
        ModelCatalogue catalogue = catalogue(bind(Map.of(
                "openai-base-url", "http://127.0.0.1:1/v1", "openai-model", "local", "prices-file", file.toString())));

        assertThat(catalogue.priceVersion()).isEqualTo("mine");
        assertThat(catalogue
                        .resolve("local")
                        .orElseThrow()
                        .model()
                        .worstCase(1_000_000, 1_000_000)
                        .nanoUsd())
                .isEqualTo(3_000_000_000L);
    }

    @Test
    void wantsAPriceTableToSayItsVersion() throws Exception {
        Path file = Files.writeString(directory.resolve("prices.json"), "{\"models\": []}");

        assertThatThrownBy(() -> catalogue(bind(Map.of("prices-file", file.toString()))))
                .hasMessageContaining("\"version\"");
    }

    private static ModelCatalogue catalogue(ModelProperties properties) {
        return new ModelCatalogue(properties.settings(NOTHING_STORED), new JsonMapper(), new SimpleMeterRegistry());
    }

    private static ModelProperties bind(Map<String, String> properties) {
        Map<String, String> prefixed = new HashMap<>(Map.of("skerry.models.default-model", ""));
        properties.forEach((name, value) -> prefixed.put("skerry.models." + name, value));
        return new Binder(new MapConfigurationPropertySource(prefixed))
                .bind("skerry.models", Bindable.of(ModelProperties.class))
                .get();
    }
}
