package dev.skerry.controlplane.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneProcess;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import java.net.ConnectException;
import java.net.Socket;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.env.Environment;

/** A replica that is asked to stop, in a process of its own. */
@ControlPlaneTest
class DrainTest {
    private static final Duration PIECE = Duration.ofMillis(700);
    private static final long PATIENCE_SECONDS = 40;

    @Autowired
    World world;

    @Autowired
    Environment environment;

    private ControlPlaneProcess replica;

    @BeforeEach
    void start() {
        replica = ControlPlaneProcess.start(
                environment,
                Map.of(
                        "skerry.models.anthropic-key",
                        TestingModels.ANTHROPIC_KEY,
                        "skerry.models.anthropic-base-url",
                        TestingModels.origin(),
                        "skerry.control-plane.drain-notice",
                        "2s",
                        "spring.lifecycle.timeout-per-shutdown-phase",
                        "10s"));
    }

    @AfterEach
    void close() {
        replica.close();
    }

    @Test
    void whatIsInProgressEndsWhileWaitersAreLetGoAndNewcomersAreSentElsewhere() throws Exception {
        Dialogue passed = new Dialogue(DrainTest::whole);
        Dialogue stored = new Dialogue(DrainTest::whole);
        Dialogue endless = new Dialogue(DrainTest::endless);
        Sandbox idle = here(world.boot(world.session(), 1));
        CompletableFuture<Answer> passing = CompletableFuture.supplyAsync(passed::pass);
        CompletableFuture<Answer> storing = CompletableFuture.supplyAsync(stored::ask);
        CompletableFuture<Answer> hanging = CompletableFuture.supplyAsync(endless::pass);
        CompletableFuture<Answer> poll = CompletableFuture.supplyAsync(() -> idle.get("/next?wait=30"));
        await().until(() -> passed.asked() && stored.asked() && endless.asked() && polls() == 1);

        replica.terminate();

        Answer released = poll.get(4, TimeUnit.SECONDS);
        assertThat(released.code()).as(released.text()).isEqualTo("busy");
        assertThat(released.headers().firstValue("Retry-After")).contains("1");
        Answer newcomer = idle.get("/state");
        assertThat(newcomer.status()).as(newcomer.text()).isEqualTo(503);
        assertThat(newcomer.headers().firstValue("Retry-After")).contains("1");
        assertThat(management("/actuator/health/readiness").status()).isEqualTo(503);
        assertThat(passing).isNotDone();
        assertThat(storing).isNotDone();

        assertThat(passing.get(PATIENCE_SECONDS, TimeUnit.SECONDS).text()).contains("event: message_stop");
        assertThat(storing.get(PATIENCE_SECONDS, TimeUnit.SECONDS).text()).contains("event: message\n");
        assertThatThrownBy(() -> new Socket("127.0.0.1", replica.sandboxPort()).close())
                .isInstanceOf(ConnectException.class);
        assertThat(replica.process().waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("a stream without an end does not keep it for ever")
                .isTrue();
        assertThat(hanging).isDone();
        assertThat(passed.settled()).isEqualTo("completed " + TestingModels.ANTHROPIC_COST);
        assertThat(stored.settled()).isEqualTo("completed " + TestingModels.ANTHROPIC_COST);
        assertThat(endless.settled()).startsWith("model_unavailable ");
    }

    private static Reply whole(Received received) {
        return Reply.events(TestingModels.events(received)).slowly(PIECE);
    }

    private static Reply endless(Received received) {
        return Reply.events(TestingModels.events(received).subList(0, 3)).thenHang();
    }

    private Sandbox here(Sandbox booted) {
        return new Sandbox(replica.sandboxOrigin(), booted.session(), booted.incarnation(), booted.token());
    }

    private Answer management(String path) {
        return Http.call("GET", replica.managementOrigin() + path, null, null);
    }

    private int polls() {
        return (int) management("/actuator/prometheus")
                .text()
                .lines()
                .filter(line -> line.startsWith("skerry_polls_waiting"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    /** A session with a turn in progress whose model answers by a script. */
    private final class Dialogue {
        private final String marker;
        private final Sandbox sandbox;
        private final String turn;

        Dialogue(Function<Received, Reply> script) {
            marker = TestingModels.marker(script);
            sandbox = here(world.boot(world.session(TestingModels.ANTHROPIC_MODEL, World.DOLLAR), 1));
            turn = world.turn(sandbox.session(), marker);
            world.give(sandbox, turn);
        }

        boolean asked() {
            return !TestingModels.received(marker).isEmpty();
        }

        Answer pass() {
            return sandbox.post(
                    "/llm/anthropic/v1/messages",
                    "{'model':'" + TestingModels.ANTHROPIC_MODEL
                            + "','max_tokens':1000,'stream':true,'messages':[{'role':'user','content':'" + marker
                            + "'}]}");
        }

        Answer ask() {
            return sandbox.post(
                    "/llm", "{'turn': '" + turn + "', 'seq': 1, 'new_messages': []}", "Accept", "text/event-stream");
        }

        /** Outcome and cost of its only call. */
        String settled() {
            return world.jdbc()
                    .sql("select outcome || ' ' || cost_nano_usd from model_calls where session_id = ?")
                    .param(sandbox.session())
                    .query(String.class)
                    .single();
        }
    }
}
