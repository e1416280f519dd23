package dev.skerry.controlplane.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import dev.skerry.store.Ledger;
import dev.skerry.store.Sessions;
import dev.skerry.store.Turns;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class LifecycleTest {
    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    @Autowired
    Turns turns;

    @Autowired
    Sessions sessions;

    @Autowired
    MeterRegistry meters;

    @Test
    void tellsWhatASandboxIsBootedWith() {
        String session = world.session();

        Answer opened = world.worker(session, "/incarnations", "{'number': 1, 'resumes': null}");

        assertThat(opened.body().path("boot_token").asString()).startsWith("skb1.k2." + session + ".1.");
        assertThat(opened.body().path("control_plane_url").asString()).isEqualTo(world.sandboxOrigin());
        assertThat(opened.body().path("session_id").asString()).isEqualTo(session);
        assertThat(world.worker("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV", "/incarnations", "{'number': 1}")
                        .status())
                .isEqualTo(404);
    }

    @Test
    void changesWhatASessionMaySpendAndSaysSoOnce() {
        String session = world.session();
        sessions.setStopReason(session, "budget_reached");

        assertThat(world.worker(session, "/budget", "{'cap_nano_usd': 7500000000}")
                        .status())
                .isEqualTo(204);
        assertThat(world.worker(session, "/budget", "{'cap_nano_usd': 7500000000}")
                        .status())
                .isEqualTo(204);

        assertThat(ledger.balance(session).capNanoUsd()).isEqualTo(7_500_000_000L);
        assertThat(sessions.find(session).orElseThrow().stopReason()).isNull();
        assertThat(world.eventTypes(session)).containsOnlyOnce("budget.changed");
        assertThat(world.worker(session, "/budget", "{'cap_nano_usd': 0}").status())
                .isEqualTo(422);
        transition(session, "'number': 1, 'status': 'terminated', 'incarnation': 1");
        assertThat(world.worker(session, "/budget", "{'cap_nano_usd': 9}").status())
                .isEqualTo(410);
    }

    @Test
    void projectsEachTransitionOnceAndLogsIt() {
        double lostBefore = meters.counter("skerry.sandboxes.lost").count();
        String session = world.session();
        String how = "'start': 'cold', 'start_reason': 'none yet', ";
        String box = "'box': {'name': 'skerry-x-1', 'metro': 'local', 'provider': 'unikraft'}";

        transition(session, "'number': 1, 'status': 'provisioning', 'incarnation': 1, " + box);
        transition(session, "'number': 2, 'status': 'hardening', 'incarnation': 1, 'took_millis': 120, " + how + box);
        transition(session, "'number': 2, 'status': 'hardening', 'incarnation': 1, 'took_millis': 120, " + how + box);
        transition(session, "'number': 3, 'status': 'idle', 'incarnation': 1");
        transition(session, "'number': 4, 'status': 'running', 'incarnation': 1");
        transition(
                session,
                "'number': 5, 'status': 'provisioning', 'incarnation': 2, 'reason': {'code': 'sandbox_lost', 'message': 'Gone.'}");
        transition(session, "'number': 6, 'status': 'hardening', 'incarnation': 2");
        transition(session, "'number': 7, 'status': 'idle', 'incarnation': 2");
        transition(
                session,
                "'number': 8, 'status': 'suspended', 'incarnation': 2, 'took_millis': 5, 'reason': {'code': 'idle_timeout', 'message': 'No message.'}");
        transition(session, "'number': 9, 'status': 'resuming', 'incarnation': 3");
        transition(session, "'number': 10, 'status': 'running', 'incarnation': 3, 'took_millis': 30");
        transition(session, "'number': 9, 'status': 'resuming', 'incarnation': 3");
        transition(
                session,
                "'number': 11, 'status': 'terminating', 'incarnation': 3, 'reason': {'code': 'deleted', 'message': 'Asked.'}");
        transition(
                session,
                "'number': 12, 'status': 'terminated', 'incarnation': 3, 'reason': {'code': 'deleted', 'message': 'Asked.'}");
        assertThat(world.worker(session, "/transitions", "{'number': 13, 'status': 'idle', 'incarnation': 3}")
                        .status())
                .isEqualTo(410);

        assertThat(meters.counter("skerry.sandboxes.lost").count()).isEqualTo(lostBefore + 1);
        assertThat(world.eventTypes(session))
                .containsExactly(
                        "session.provisioning",
                        "session.hardening",
                        "sandbox.lost",
                        "session.provisioning",
                        "session.hardening",
                        "session.suspended",
                        "session.resuming",
                        "session.terminating",
                        "session.terminated");
        assertThat(world.events(session).get(1).data())
                .isEqualTo(
                        "{\"name\": \"skerry-x-1\", \"metro\": \"local\", \"start\": \"cold\", \"duration_ms\": 120, \"start_reason\": \"none yet\"}");
        assertThat(world.events(session).get(5).data()).isEqualTo("{\"reason\": \"idle_timeout\", \"duration_ms\": 5}");
        assertThat(world.events(session).getLast().data()).contains("\"cost_usd\"", "\"deleted\"");
    }

    @Test
    void countsASandboxThatDiedWhileItsSessionWasIdle() {
        double lostBefore = meters.counter("skerry.sandboxes.lost").count();
        String session = world.session();
        transition(session, "'number': 1, 'status': 'idle', 'incarnation': 1");
        transition(
                session,
                "'number': 2, 'status': 'suspended', 'incarnation': 1, 'reason': {'code': 'sandbox_died', 'message': 'It ran out of memory.'}");
        assertThat(meters.counter("skerry.sandboxes.lost").count()).isEqualTo(lostBefore + 1);
        assertThat(world.eventTypes(session)).containsExactly("sandbox.lost", "session.suspended");
    }

    @Test
    void logsWhyASessionFailed() {
        String session = world.session();

        transition(
                session,
                "'number': 1, 'status': 'failed', 'incarnation': 0, 'reason': {'code': 'no_metro', 'message': 'No metro.'}");

        assertThat(world.events(session).getLast().data())
                .isEqualTo("{\"code\": \"no_metro\", \"message\": \"No metro.\"}");
    }

    @Test
    void waitsUntilTheSandboxHasFlushed() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);

        CompletableFuture<Answer> flush = CompletableFuture.supplyAsync(
                () -> world.worker(sandbox.session(), "/incarnations/1/flush", "{'wait_seconds': 20}"));
        assertThat(sandbox.get("/next?wait=10").text()).isEqualTo("{\"directive\":\"flush\"}");
        assertThat(sandbox.post("/flushed", "{}").status()).isEqualTo(204);

        assertThat(flush.get(4, TimeUnit.SECONDS).text()).isEqualTo("{\"flushed\":true}");
        assertThat(sandbox.get("/next?wait=0").status()).isEqualTo(204);
    }

    @Test
    void doesNotWaitForAFlushLongerThanItMay() {
        Sandbox sandbox = world.boot(world.session(), 1);

        assertThat(world.worker(sandbox.session(), "/incarnations/1/flush", "{'wait_seconds': 0}")
                        .text())
                .isEqualTo("{\"flushed\":false}");
        world.worker(sandbox.session(), "/incarnations/1/close", "{}");
        assertThat(world.worker(sandbox.session(), "/incarnations/1/flush", "{'wait_seconds': 20}")
                        .text())
                .isEqualTo("{\"flushed\":false}");
    }

    @Test
    void closesTheBooks() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        ledger.reserve(new Ledger.Reservation("mcl_" + turn, sandbox.session(), turn, 1, 1, "rehearsal", 7000));

        String end = "{'transition': {'number': 9, 'status': 'terminated', 'incarnation': 1}}";
        assertThat(world.worker(sandbox.session(), "/settle", end).status()).isEqualTo(204);
        assertThat(world.worker(sandbox.session(), "/settle", end).status()).isEqualTo(204);

        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Ledger.Balance(World.DOLLAR, 0, 7000));
    }

    @Test
    void stopsASession() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String running = world.turn(sandbox.session(), "Hi");
        String waiting = world.turn(sandbox.session(), "Go on");
        world.give(sandbox, running);

        Answer stopped = world.worker(
                sandbox.session(),
                "/stop",
                "{'transition': {'number': 9, 'status': 'terminating', 'incarnation': 1}, 'turns': 'cancelled',"
                        + " 'reason': {'code': 'session_ended', 'message': 'Deleted.'}}");

        assertThat(stopped.status()).isEqualTo(204);
        assertThat(sandbox.get("/state").code()).isEqualTo("session_ended");
        assertThat(turns.open(sandbox.session())).isEmpty();
        assertThat(turns.find(sandbox.session(), waiting).orElseThrow().status())
                .isEqualTo("cancelled");
        assertThat(sessions.find(sandbox.session()).orElseThrow().status()).isEqualTo("terminating");
    }

    @Test
    void aSessionIsIdleWhenItsSandboxHasSaidHelloAndWhenItsTurnIsOver() {
        String session = world.session();
        transition(session, "'number': 1, 'status': 'provisioning', 'incarnation': 1");
        Sandbox sandbox = world.boot(session, 1);
        assertThat(status(session)).isEqualTo("idle");
        transition(session, "'number': 2, 'status': 'hardening', 'incarnation': 1");
        assertThat(status(session)).isEqualTo("idle");

        String turn = world.turn(session, "Hi");
        world.give(sandbox, turn);
        assertThat(status(session)).isEqualTo("running");
        sandbox.post("/turns/" + turn + "/outcome", "{'status': 'completed', 'result': 'Done.'}");
        assertThat(status(session)).isEqualTo("idle");
    }

    @Test
    void keepsWhatASandboxThatNeverSpokeSaidOnItsConsole() {
        String session = world.session();
        world.worker(session, "/incarnations", "{'number': 1, 'resumes': null}");
        assertThat(world.worker(session, "/incarnations/1/console", "{'text': 'kernel panic'}")
                        .status())
                .isEqualTo(204);
        assertThat(world.eventTypes(session)).containsExactly("sandbox.console");
        assertThat(world.worker(session, "/incarnations/2/console", "{'text': 'x'}")
                        .status())
                .isEqualTo(404);
        assertThat(world.worker(session, "/incarnations/1/console", "{}").status())
                .isEqualTo(422);
    }

    private String status(String session) {
        return sessions.find(session).orElseThrow().status();
    }

    private void transition(String session, String fields) {
        assertThat(world.worker(session, "/transitions", "{" + fields + "}").status())
                .isEqualTo(204);
    }
}
