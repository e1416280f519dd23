package dev.skerry.controlplane.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.models.messages.Message;
import com.anthropic.models.messages.MessageCreateParams;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.responses.ResponseCreateParams;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.store.Ledger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

/** The official Java SDKs, unmodified. */
@ControlPlaneTest
class JavaSdkTest {
    private static final String TEXT = "Grüße from the model.";

    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    private Sandbox sandbox;

    @BeforeEach
    void aTurnInProgress() {
        sandbox = world.boot(world.session(), 1);
        world.give(sandbox, world.turn(sandbox.session(), "Hi"));
    }

    @Test
    void servesChatCompletions() {
        OpenAIClient client = openAi(sandbox.token());
        ChatCompletion answer = client.chat().completions().create(chat(TestingModels.OPENAI_MODEL));
        assertThat(answer.choices().getFirst().message().content()).contains(TEXT);

        try (var stream = client.chat().completions().createStreaming(chat(TestingModels.OPENAI_MODEL))) {
            assertThat(stream.stream()
                            .flatMap(chunk -> chunk.choices().stream())
                            .flatMap(choice -> choice.delta().content().stream())
                            .collect(Collectors.joining()))
                    .isEqualTo(TEXT);
        }
        assertSpent(2 * TestingModels.OPENAI_COST);
    }

    @Test
    void servesResponses() {
        OpenAIClient client = openAi(sandbox.token());
        ResponseCreateParams ask = ResponseCreateParams.builder()
                .model(TestingModels.OPENAI_MODEL)
                .input("Hi")
                .build();
        assertThat(client.responses().create(ask).usage().orElseThrow().inputTokens())
                .isEqualTo(1000);

        try (var stream = client.responses().createStreaming(ask)) {
            assertThat(stream.stream()
                            .flatMap(event -> event.outputTextDelta().stream())
                            .map(delta -> delta.delta())
                            .collect(Collectors.joining()))
                    .isEqualTo(TEXT);
        }
        assertSpent(2 * TestingModels.OPENAI_COST);
    }

    @Test
    void servesMessages() {
        AnthropicClient client = anthropic(sandbox.token());
        Message answer = client.messages().create(messages(TestingModels.ANTHROPIC_MODEL));
        assertThat(answer.content().getFirst().text().orElseThrow().text()).isEqualTo(TEXT);

        try (var stream = client.messages().createStreaming(messages(TestingModels.ANTHROPIC_MODEL))) {
            assertThat(stream.stream()
                            .flatMap(event -> event.contentBlockDelta().stream())
                            .flatMap(delta -> delta.delta().text().stream())
                            .map(text -> text.text())
                            .collect(Collectors.joining()))
                    .isEqualTo(TEXT);
        }
        assertSpent(2 * TestingModels.ANTHROPIC_COST);
    }

    @Test
    void refusesInAFormThatTheSdksUnderstand() {
        assertThatThrownBy(() -> openAi(sandbox.token()).chat().completions().create(chat("gpt-unlisted")))
                .isInstanceOf(com.openai.errors.NotFoundException.class)
                .hasMessageContaining("not offered");
        assertThatThrownBy(() -> openAi("not-a-token").chat().completions().create(chat(TestingModels.OPENAI_MODEL)))
                .isInstanceOf(com.openai.errors.UnauthorizedException.class);
        assertThatThrownBy(() -> anthropic(sandbox.token()).messages().create(messages("claude-unlisted")))
                .isInstanceOf(com.anthropic.errors.NotFoundException.class)
                .hasMessageContaining("not offered");
        assertThatThrownBy(() -> anthropic("not-a-token").messages().create(messages(TestingModels.ANTHROPIC_MODEL)))
                .isInstanceOf(com.anthropic.errors.UnauthorizedException.class);
        assertSpent(0);
    }

    private void assertSpent(long nanoUsd) {
        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Ledger.Balance(World.DOLLAR, 0, nanoUsd));
    }

    private OpenAIClient openAi(String token) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(sandbox.origin() + "/sandbox/v1/llm/openai/v1")
                .apiKey(token)
                .build();
    }

    private AnthropicClient anthropic(String token) {
        return AnthropicOkHttpClient.builder()
                .baseUrl(sandbox.origin() + "/sandbox/v1/llm/anthropic")
                .apiKey(token)
                .build();
    }

    private static ChatCompletionCreateParams chat(String model) {
        return ChatCompletionCreateParams.builder()
                .model(model)
                .addUserMessage("Hi")
                .build();
    }

    private static MessageCreateParams messages(String model) {
        return MessageCreateParams.builder()
                .model(model)
                .maxTokens(500)
                .addUserMessage("Hi")
                .build();
    }
}
