package dev.skerry.controlplane.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.skerry.controlplane.TestingModelServer;
import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.llm.ModelAnswer.StopReason;
import dev.skerry.controlplane.llm.ModelException.Kind;
import dev.skerry.controlplane.llm.ModelRequest.ToolChoice;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What every adapter does with what its provider sends, whole or broken. */
abstract class ModelProviderContract {
    static final JsonMapper JSON = new JsonMapper();
    static final Secret KEY = Secret.of("sk-canary-0123456789");
    static final ToolSpec BASH = new ToolSpec(
            "bash", "Runs a command.", JSON.readTree("{\"type\":\"object\",\"properties\":{\"command\":{}}}"));

    TestingModelServer server;

    abstract ModelProvider provider(String origin);

    /** A whole answer that says "Grüße, " and "world." and used 11 input and 7 output tokens. */
    abstract List<String> greeting();

    /** A whole answer that calls bash with {@code {"command":"echo ü"}}, its arguments in several pieces, and then done with {}. */
    abstract List<String> toolCalls();

    /** What the provider sends in the middle of a stream when it fails. */
    abstract String failureEvent();

    /** The body of an error of this status, as the provider documents it. */
    abstract String error(int status, String message);

    /** How many events of {@link #greeting()} hold nothing of the answer yet. */
    abstract int silentEvents();

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void handsTextOnAsItComesAndAnswersTheWhole() throws Exception {
        Queue<String> deltas = new ConcurrentLinkedQueue<>();
        ModelAnswer answer = answering(Reply.events(greeting())).generate(request(), deltas::add);

        assertThat(deltas).containsExactly("Grüße, ", "world.");
        assertThat(answer.content()).containsExactly(new Content.Text("Grüße, world."));
        assertThat(answer.stopReason()).isEqualTo(StopReason.END_TURN);
        assertThat(answer.usage()).isEqualTo(new Usage(11, 7, 0, 0, false));
    }

    @Test
    void handsTheFirstPieceOnBeforeTheRestHasCome() throws Exception {
        Queue<String> deltas = new ConcurrentLinkedQueue<>();
        ModelProvider provider = answering(
                Reply.events(greeting().subList(0, greeting().size() - 1)).thenHang());
        Thread caller = Thread.ofVirtual().start(() -> failure(provider, request(), deltas));

        Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> deltas.contains("Grüße, "));
        caller.interrupt();
        caller.join(Duration.ofSeconds(10));
        assertThat(caller.isAlive()).isFalse();
    }

    @Test
    void putsToolCallsTogetherFromTheirPieces() throws Exception {
        ModelAnswer answer = answering(Reply.events(toolCalls())).generate(request(), text -> {});

        assertThat(answer.stopReason()).isEqualTo(StopReason.TOOL_USE);
        assertThat(answer.content().stream()
                        .filter(Content.ToolCall.class::isInstance)
                        .map(Content.ToolCall.class::cast)
                        .map(call -> call.name() + call.arguments()))
                .containsExactly("bash{\"command\":\"echo ü\"}", "done{}");
    }

    @ParameterizedTest
    @CsvSource({
        "400, REJECTED",
        "404, REJECTED",
        "413, REJECTED",
        "401, UNAUTHORIZED",
        "403, UNAUTHORIZED",
        "429, RATE_LIMITED",
        "500, UNAVAILABLE",
        "503, UNAVAILABLE",
        "529, UNAVAILABLE",
    })
    void saysWhatAnErrorMeansForTheCaller(int status, Kind kind) {
        ModelException failure = failure(answering(Reply.json(status, error(status, "Some reason."))));

        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.streamed()).isFalse();
        assertThat(failure).hasMessageContaining("HTTP " + status);
    }

    @Test
    void tellsWhyARequestWasRejected() {
        assertThat(failure(answering(Reply.json(400, error(400, "max_tokens is too large.")))))
                .hasMessageContaining("max_tokens is too large.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "<html>gone</html>", "{", "[]", "null", "{\"error\":null}"})
    void standsErrorsThatAreNotOfTheProvidersForm(String body) {
        assertThat(failure(answering(Reply.text(502, "text/html", body))).kind())
                .isEqualTo(Kind.UNAVAILABLE);
        stop();
        assertThat(failure(answering(Reply.text(400, "text/html", body))).kind())
                .isEqualTo(Kind.REJECTED);
    }

    @Test
    void neverRepeatsTheKeyThatAServerEchoes() {
        assertThat(failure(answering(Reply.json(400, error(400, "bad header " + KEY.value() + "!")))))
                .hasMessageContaining("bad header")
                .hasMessageNotContaining(KEY.value());
    }

    @ParameterizedTest
    @CsvSource({"Retry-After: 7, 7000", "retry-after-ms: 1500, 1500", "Retry-After: 0.5, 500"})
    void readsHowLongToWait(String header, long millis) {
        assertThat(failure(answering(Reply.json(429, error(429, "Slow down."), header)))
                        .retryAfter())
                .isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Retry-After: soon", "Retry-After: -1", "Retry-After: 99999999999999999999"})
    void ignoresAWaitThatMakesNoSense(String header) {
        assertThat(failure(answering(Reply.json(429, error(429, "Slow down."), header)))
                        .retryAfter())
                .isNull();
    }

    @Test
    void takesAConnectionThatIsClosedWithoutAnAnswerAsUnavailable() {
        ModelException failure = failure(answering(Reply.nothing()));

        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure.streamed()).isFalse();
        assertThat(server.received()).hasSize(1);
    }

    @Test
    void knowsThatNothingCameWhenTheConnectionIsCutBeforeTheAnswerBegins() {
        ModelException failure = failure(answering(Reply.events(List.of()).thenClose()));

        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure.streamed()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void knowsThatSomethingCameWhereverTheStreamIsCutAfterThat(boolean reset) {
        for (int events = silentEvents() + 1; events < completeAt(); events++) {
            Reply reply = Reply.events(greeting().subList(0, events));
            ModelException failure = failure(answering(reset ? reply.thenReset() : reply.thenClose()));
            assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
            assertThat(failure.streamed())
                    .as("cut after event %d of %s", events, greeting())
                    .isTrue();
            stop();
        }
    }

    @Test
    void takesACleanEndInTheMiddleForACut() {
        ModelException failure = failure(answering(Reply.events(greeting().subList(0, silentEvents() + 1))));

        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure.streamed()).isTrue();
    }

    @Test
    void givesUpOnASilentServerAtTheDeadline() {
        long start = System.nanoTime();
        ModelException failure =
                failure(answering(Reply.silence()), request(Duration.ofMillis(300)), new ConcurrentLinkedQueue<>());

        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure.streamed()).isFalse();
        assertThat(failure).hasMessageContaining("in time");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void givesUpOnASlowStreamAtTheDeadline() {
        List<String> events = greeting();
        ModelException failure = failure(
                answering(Reply.events(events).slowly(Duration.ofMillis(400 / events.size() + 50L))),
                request(Duration.ofMillis(400)),
                new ConcurrentLinkedQueue<>());

        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure.streamed()).isTrue();
    }

    @Test
    void isBrokenOffByAnInterrupt() throws Exception {
        ModelProvider provider = answering(Reply.silence());
        AtomicReference<ModelException> failure = new AtomicReference<>();
        Thread caller = Thread.ofVirtual().start(() -> failure.set(failure(provider)));
        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> !server.received().isEmpty());

        caller.interrupt();

        assertThat(caller.join(Duration.ofSeconds(5))).isTrue();
        assertThat(failure.get().kind()).isEqualTo(Kind.CANCELLED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"data: {", "data: no json", "data: [1,2]", "data: \"text\"", "data: null", "data: 7"})
    void takesAStreamThatIsNotOfTheProtocolAsUnavailable(String event) {
        assertThat(failure(answering(Reply.events(List.of(event)))).kind()).isEqualTo(Kind.UNAVAILABLE);
        stop();
        ModelException late = failure(
                answering(Reply.events(List.of(greeting().get(0), greeting().get(1), event))));
        assertThat(late.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(late.streamed()).isTrue();
    }

    @Test
    void refusesAnAnswerThatIsNoStream() {
        ModelException failure = failure(answering(Reply.text(200, "text/html", "<html>Welcome</html>")));

        assertThat(failure.kind()).isEqualTo(Kind.REJECTED);
        assertThat(failure).hasMessageContaining("base URL");
    }

    @Test
    void standsAnAnswerWithoutEnd() {
        String megabyte = ": " + "x".repeat(1 << 20);
        ModelException failure = failure(answering(
                Reply.events(java.util.Collections.nCopies(80, megabyte)).thenHang()));

        assertThat(failure.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(failure.streamed()).isFalse();
    }

    @Test
    void doesNotFollowRedirects() {
        ModelException failure =
                failure(answering(Reply.text(307, "text/plain", "", "Location: /elsewhere"), Reply.events(greeting())));

        assertThat(failure.kind()).isEqualTo(Kind.REJECTED);
        assertThat(server.received()).hasSize(1);
    }

    @Test
    void passesAFailureInTheStreamOn() {
        ModelException early = failure(answering(Reply.events(List.of(failureEvent()))));
        assertThat(early.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(early.streamed()).isFalse();
        stop();

        ModelException late = failure(answering(Reply.events(
                List.of(greeting().get(0), greeting().get(1), greeting().get(2), failureEvent()))));
        assertThat(late.kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(late.streamed()).isTrue();
    }

    @Test
    void standsCommentsUnknownEventsAndCarriageReturns() throws Exception {
        List<String> noisy = greeting().stream()
                .flatMap(event -> java.util.stream.Stream.of(
                        ": comment", "event: novelty\ndata: {\"type\":\"novelty\"}", event.replace("\n", "\r\n")))
                .toList();

        ModelAnswer answer = answering(Reply.events(noisy)).generate(request(), text -> {});

        assertThat(answer.content()).containsExactly(new Content.Text("Grüße, world."));
    }

    @Test
    void triesAgainWhereNothingCameAndTheProviderMayDoBetter() throws Exception {
        ModelProvider provider = retrying(
                Reply.json(529, error(529, "Overloaded.")),
                Reply.json(429, error(429, "Slow down."), "Retry-After: 0"),
                Reply.events(greeting()));

        assertThat(provider.generate(request(), text -> {}).content())
                .containsExactly(new Content.Text("Grüße, world."));
        assertThat(server.received()).hasSize(3);
        assertThat(server.received().get(2).text())
                .isEqualTo(server.received().get(0).text());
    }

    @Test
    void triesAgainAfterAConnectionThatWasClosedWithoutAnAnswer() throws Exception {
        ModelProvider provider = retrying(Reply.nothing(), Reply.events(greeting()));

        provider.generate(request(), text -> {});

        assertThat(server.received()).hasSize(2);
    }

    @Test
    void stopsTryingAfterTheThirdTime() {
        Reply[] errors = {
            Reply.json(500, error(500, "1")), Reply.json(500, error(500, "2")),
            Reply.json(500, error(500, "3")), Reply.events(greeting())
        };

        assertThat(failure(retrying(errors)).kind()).isEqualTo(Kind.UNAVAILABLE);
        assertThat(server.received()).hasSize(3);
    }

    @Test
    void neverTriesAgainOnceSomethingCame() {
        Reply cut = Reply.events(greeting().subList(0, silentEvents() + 1)).thenReset();

        assertThat(failure(retrying(cut, Reply.events(greeting()))).streamed()).isTrue();
        assertThat(server.received()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404})
    void neverTriesAgainWhatWouldFailAgain(int status) {
        failure(retrying(Reply.json(status, error(status, "No.")), Reply.events(greeting())));

        assertThat(server.received()).hasSize(1);
    }

    @Test
    void doesNotWaitLongerThanAPersonWould() {
        ModelException failure = failure(
                retrying(Reply.json(429, error(429, "Tomorrow."), "Retry-After: 3600"), Reply.events(greeting())));

        assertThat(failure.kind()).isEqualTo(Kind.RATE_LIMITED);
        assertThat(server.received()).hasSize(1);
    }

    ModelProvider answering(Reply... replies) {
        server = TestingModelServer.answering(replies);
        return provider(server.origin());
    }

    private ModelProvider retrying(Reply... replies) {
        return new RetryingProvider(answering(replies), new SimpleMeterRegistry(), Duration.ofMillis(1));
    }

    Received sent(ModelRequest request) throws ModelException {
        answering(Reply.events(greeting())).generate(request, text -> {});
        return server.received().getFirst();
    }

    /** How many events of {@link #greeting()} make a whole answer. */
    int completeAt() {
        return greeting().size();
    }

    static ModelRequest request() {
        return request(Duration.ofSeconds(20));
    }

    static ModelRequest request(Duration deadline) {
        return new ModelRequest(
                "some-model",
                "Be brief.",
                List.of(new Message(Message.Role.USER, List.of(new Content.Text("Hello?")), null, false)),
                List.of(BASH),
                ToolChoice.AUTO,
                1000,
                deadline);
    }

    static ModelRequest request(List<Message> messages, List<ToolSpec> tools, ToolChoice choice) {
        return new ModelRequest("some-model", "Be brief.", messages, tools, choice, 1000, Duration.ofSeconds(20));
    }

    private static ModelException failure(ModelProvider provider) {
        return failure(provider, request(), new ConcurrentLinkedQueue<>());
    }

    private static ModelException failure(ModelProvider provider, ModelRequest request, Queue<String> deltas) {
        return catchThrowableOfType(ModelException.class, () -> provider.generate(request, deltas::add));
    }
}
