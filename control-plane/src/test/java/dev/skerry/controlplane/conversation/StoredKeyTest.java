package dev.skerry.controlplane.conversation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.controlplane.credential.ProviderKeys;
import dev.skerry.controlplane.llm.Content;
import dev.skerry.controlplane.llm.Message;
import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelException;
import dev.skerry.controlplane.llm.ModelRequest;
import dev.skerry.controlplane.llm.Secret;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import okhttp3.Call;
import okhttp3.Response;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import tools.jackson.databind.json.JsonMapper;

@ControlPlaneTest
class StoredKeyTest {
    private static final String FIRST = "sk-stored-canary-first";
    private static final String SECOND = "sk-stored-canary-second";

    @Autowired
    World world;

    @Autowired
    ProviderKeys keys;

    private ModelCatalogue catalogue;

    @BeforeEach
    void aCatalogueWhoseKeysAreStored() {
        ModelProperties properties = new Binder(new MapConfigurationPropertySource(Map.of(
                        "skerry.models.anthropic-key-stored",
                        "true",
                        "skerry.models.anthropic-base-url",
                        TestingModels.origin())))
                .bind("skerry.models", Bindable.of(ModelProperties.class))
                .get();
        catalogue = new ModelCatalogue(
                properties.settings(provider -> new StoredKey(keys, provider)),
                new JsonMapper(),
                new SimpleMeterRegistry());
    }

    @Test
    void aKeyThatIsReplacedCountsForTheNextCallInEveryForm() throws Exception {
        assertThat(set(FIRST).status()).isEqualTo(204);
        assertThat(List.of(keyOfNativeCall(), keyOfPassedCall())).containsOnly(FIRST);

        assertThat(set(SECOND).status()).isEqualTo(204);
        assertThat(List.of(keyOfNativeCall(), keyOfPassedCall())).containsOnly(SECOND);

        assertThat(world.jdbc()
                        .sql("select c::text from credentials c where tenant_id = 'ten_platform'")
                        .query(String.class)
                        .list())
                .hasSize(1)
                .noneMatch(row -> row.contains("sk-stored"));
        Secret secret = new StoredKey(keys, "anthropic");
        assertThat(secret.toString()).doesNotContain("sk-stored");
    }

    @Test
    void saysHowToSetAKeyThatTheProviderRefuses() {
        String marker = TestingModels.marker(received -> Reply.json(401, "{}"));

        assertThatThrownBy(() -> generate(marker))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("skerry credentials provider-key anthropic");
    }

    @Test
    void takesKeysOfKnownProvidersAndOfReasonableForm() {
        assertThat(world.operator("PUT", "/provider-keys/nobody", "{'value': 'long enough'}")
                        .status())
                .isEqualTo(404);
        Answer answer = world.operator("PUT", "/provider-keys/openai", "{'value': 'two\\nlines'}");
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.text()).doesNotContain("lines\"");
    }

    private Answer set(String key) {
        return world.operator("PUT", "/provider-keys/anthropic", "{'value': '" + key + "'}");
    }

    private String keyOfNativeCall() throws ModelException {
        String marker = TestingModels.marker(TestingModels::answer);
        generate(marker);
        return TestingModels.received(marker).getFirst().headers().get("x-api-key");
    }

    private void generate(String text) throws ModelException {
        catalogue
                .resolve(TestingModels.ANTHROPIC_MODEL)
                .orElseThrow()
                .provider()
                .generate(
                        new ModelRequest(
                                TestingModels.ANTHROPIC_MODEL,
                                "",
                                List.of(new Message(Message.Role.USER, List.of(new Content.Text(text)), null, false)),
                                List.of(),
                                ModelRequest.ToolChoice.AUTO,
                                100,
                                Duration.ofSeconds(10)),
                        piece -> {});
    }

    private String keyOfPassedCall() throws Exception {
        String marker = TestingModels.marker(TestingModels::answer);
        Call call = catalogue
                .upstream("anthropic")
                .orElseThrow()
                .call("/v1/messages", ("{\"text\": \"" + marker + "\"}").getBytes(), Duration.ofSeconds(10));
        try (Response answer = call.execute()) {
            assertThat(answer.code()).isEqualTo(200);
            return TestingModels.received(marker).getFirst().headers().get("x-api-key");
        }
    }
}
