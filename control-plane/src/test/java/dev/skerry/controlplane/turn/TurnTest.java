package dev.skerry.controlplane.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import dev.skerry.controlplane.budget.Presence;
import dev.skerry.store.Incarnations;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.transaction.support.TransactionTemplate;

@ControlPlaneTest
class TurnTest {
    @Autowired
    World world;

    @Autowired
    Incarnations incarnations;

    @Autowired
    Presence presence;

    @Autowired
    TransactionTemplate transactions;

    @Test
    void deliversATurnUntilItsOutcomeIsRecorded() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Write a haiku.");

        assertThat(sandbox.get("/next?wait=0").status()).isEqualTo(204);
        assertThat(world.give(sandbox, turn).body().path("state").asString()).isEqualTo("given");
        Answer delivered = sandbox.get("/next?wait=0");

        assertThat(delivered.body().path("turn").toString())
                .isEqualTo(
                        "{\"id\":\"" + turn
                                + "\",\"attempt\":1,\"input\":[{\"text\":\"Write a haiku.\",\"type\":\"text\"}],\"next_seq\":1}");
        assertThat(sandbox.get("/next?wait=0").body()).isEqualTo(delivered.body());
        assertThat(sandbox.get("/state").body().path("turn"))
                .isEqualTo(delivered.body().path("turn"));

        sandbox.post("/turns/" + turn + "/outcome", "{'status': 'completed', 'result': 'ok', 'files': []}");
        assertThat(sandbox.get("/next?wait=0").status()).isEqualTo(204);
        assertThat(sandbox.get("/state").body().path("turn").isNull()).isTrue();
    }

    @Test
    void wakesAWaitingPollAtOnce() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");

        CompletableFuture<Answer> poll = CompletableFuture.supplyAsync(() -> sandbox.get("/next?wait=20"));
        world.give(sandbox, turn);

        assertThat(poll.get(4, TimeUnit.SECONDS).body().path("turn").path("id").asString())
                .isEqualTo(turn);
    }

    @Test
    void endsAWaitingPollOfAFencedSandbox() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);

        CompletableFuture<Answer> poll = CompletableFuture.supplyAsync(() -> sandbox.get("/next?wait=20"));
        world.bootToken(sandbox.session(), 2);

        assertThat(poll.get(4, TimeUnit.SECONDS).code()).isEqualTo("fenced");
    }

    @Test
    void countsAnAttemptPerIncarnation() {
        Sandbox first = world.boot(world.session(), 1);
        String turn = world.turn(first.session(), "Hi");
        world.give(first, turn);
        world.give(first, turn);
        Sandbox second = world.boot(first.session(), 2);
        world.give(second, turn);

        assertThat(second.get("/state").body().path("turn").path("attempt").asInt())
                .isEqualTo(2);
        assertThat(world.eventTypes(first.session()))
                .containsExactly("session.ready", "turn.started", "session.ready", "turn.started");
    }

    @Test
    void givesNoTurnToASandboxThatIsGone() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        seenAgo(sandbox, 120);

        Answer silent = world.give(sandbox, turn);
        world.worker(sandbox.session(), "/incarnations/1/close", "{}");
        Answer closed = world.give(sandbox, turn);

        assertThat(silent.body().path("state").asString()).isEqualTo("lost");
        assertThat(silent.body().path("reason").asString()).isEqualTo("sandbox_silent");
        assertThat(closed.body().path("reason").asString()).isEqualTo("sandbox_not_live");
    }

    @Test
    void givesATurnAgainOnlyToASandboxThatWasSeenLately() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        world.give(sandbox, turn);
        Answer seen = giveAgain(sandbox, turn);
        await().atMost(Duration.ofSeconds(30)).until(presence::steady);
        seenAgo(sandbox, 20);

        assertThat(giveAgain(sandbox, turn).body().path("reason").asString()).isEqualTo("sandbox_silent");
        assertThat(world.give(sandbox, turn).body().path("state").asString()).isEqualTo("given");
        assertThat(seen.body().path("state").asString()).isEqualTo("given");
    }

    @Test
    void givesATurnAgainToASandboxThatItMayNotHaveHeard() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        world.give(sandbox, turn);
        await().atMost(Duration.ofSeconds(30)).until(presence::steady);
        CountDownLatch goesOn = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> standstill = threads.submit(() -> standStillUntil(goesOn));
            try {
                await().atMost(Duration.ofSeconds(30)).until(() -> !presence.steady());

                seenAgo(sandbox, 20);
                assertThat(giveAgain(sandbox, turn).body().path("state").asString())
                        .isEqualTo("given");
                seenAgo(sandbox, 120);
                assertThat(giveAgain(sandbox, turn).body().path("reason").asString())
                        .isEqualTo("sandbox_silent");
            } finally {
                goesOn.countDown();
                standstill.get();
            }
        }
    }

    /** Keeps the control plane from saying that it is up. */
    private void standStillUntil(CountDownLatch goesOn) {
        transactions.executeWithoutResult(ignored -> {
            world.jdbc()
                    .sql("lock table control_planes in share row exclusive mode")
                    .update();
            try {
                goesOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void seenAgo(Sandbox sandbox, int seconds) {
        world.jdbc()
                .sql("update incarnations set last_seen_at = now() - ? * interval '1 second' where session_id = ?")
                .param(seconds)
                .param(sandbox.session())
                .update();
    }

    private Answer giveAgain(Sandbox sandbox, String turn) {
        return world.worker(
                sandbox.session(),
                "/incarnations/1/turns/" + turn,
                "{'task_token': 'bm9uZQ==', 'again': true,"
                        + " 'transition': {'number': 3, 'status': 'running', 'incarnation': 1}}");
    }

    @Test
    void recordsAnOutcomeOnce() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        world.give(sandbox, turn);
        String path = "/turns/" + turn + "/outcome";
        String completed = "{'status': 'completed', 'result': 'Done.\\u0000', 'reason': null, 'files': ['a/b.txt']}";

        assertThat(sandbox.post(path, completed).status()).isEqualTo(204);
        assertThat(sandbox.post(path, completed).status()).isEqualTo(204);
        Answer other = sandbox.post(path, "{'status': 'failed'}");

        assertThat(other.status()).isEqualTo(409);
        assertThat(other.code()).isEqualTo("conflict");
        assertThat(world.events(sandbox.session()))
                .filteredOn(event ->
                        event.type().startsWith("turn.") && !event.type().equals("turn.started"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.type()).isEqualTo("turn.completed");
                    assertThat(event.turnId()).isEqualTo(turn);
                    assertThat(event.data()).contains("\"a/b.txt\"", "\"calls\": 0", "duration_ms", "Done.");
                });
        assertThat(world.give(sandbox, turn).body().toString())
                .isEqualTo("{\"state\":\"over\",\"outcome\":{\"status\":\"completed\",\"reason\":null}}");
    }

    @Test
    void refusesOutcomesThatAreNotTheSandboxsToGive() {
        Sandbox sandbox = world.boot(world.session(), 1);
        Sandbox stranger = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        String path = "/turns/" + turn + "/outcome";

        assertThat(sandbox.post(path, "{'status': 'completed'}").code()).isEqualTo("turn_over");
        world.give(sandbox, turn);
        assertThat(stranger.post(path, "{'status': 'completed'}").status()).isEqualTo(404);
        assertThat(sandbox.post(path, "{'status': 'won'}").status()).isEqualTo(422);
        assertThat(sandbox.post(path, "{'status': 'completed', 'files': ['../x']}")
                        .status())
                .isEqualTo(422);
        assertThat(sandbox.post(path, "{'status': 'failed', 'reason': 'Not a code'}")
                        .status())
                .isEqualTo(422);
    }

    @Test
    void tellsASandboxToCancel() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        world.give(sandbox, turn);
        String heartbeat = "{'turn': '" + turn + "'}";

        assertThat(sandbox.post("/heartbeat", heartbeat).text()).isEqualTo("{\"directive\":null}");
        world.worker(sandbox.session(), "/turns/" + turn + "/cancel", "{}");

        assertThat(sandbox.post("/heartbeat", heartbeat).text()).isEqualTo("{\"directive\":\"cancel\"}");
        assertThat(sandbox.get("/next?wait=0").text()).isEqualTo("{\"directive\":\"cancel\"}");
        assertThat(sandbox.post("/turns/" + turn + "/outcome", "{'status': 'cancelled'}")
                        .status())
                .isEqualTo(204);
        assertThat(sandbox.get("/next?wait=0").status()).isEqualTo(204);
    }

    @Test
    void cancelsATurnInsteadOfGivingItToTheNextSandbox() {
        Sandbox first = world.boot(world.session(), 1);
        String turn = world.turn(first.session(), "Hi");
        world.give(first, turn);
        world.worker(first.session(), "/turns/" + turn + "/cancel", "{}");
        world.worker(first.session(), "/incarnations/1/close", "{}");
        Sandbox second = world.boot(first.session(), 2);

        String over = "{\"state\":\"over\",\"outcome\":{\"status\":\"cancelled\",\"reason\":\"cancelled\"}}";
        assertThat(world.give(second, turn).body().toString()).isEqualTo(over);
        assertThat(world.give(second, turn).body().toString()).isEqualTo(over);

        assertThat(second.get("/next?wait=0").status()).isEqualTo(204);
        assertThat(world.eventTypes(first.session()))
                .containsExactly("session.ready", "turn.started", "session.ready", "turn.cancelled");
    }

    @Test
    void takesNoTurnBackFromAHigherIncarnation() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        world.give(sandbox, turn);
        world.jdbc()
                .sql("update turns set incarnation = 2 where id = ?")
                .param(turn)
                .update();

        Answer late = world.give(sandbox, turn);

        assertThat(late.body().path("state").asString()).isEqualTo("lost");
        assertThat(late.body().path("reason").asString()).isEqualTo("superseded");
        assertThat(sandbox.get("/next?wait=0").status()).isEqualTo(204);
    }

    @Test
    void givesNoTurnToASandboxThatWasToldToStop() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        incarnations.direct(sandbox.session(), 1, "stop");

        Answer answer = world.give(sandbox, turn);

        assertThat(answer.body().path("state").asString()).isEqualTo("lost");
        assertThat(answer.body().path("reason").asString()).isEqualTo("sandbox_told_to_stop");
    }

    @Test
    void endsATurnThatNoSandboxWillEnd() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        String end =
                "{'status': 'failed', 'reason': {'code': 'sandbox_lost', 'message': 'Three sandboxes were lost.'}}";

        assertThat(world.worker(sandbox.session(), "/turns/" + turn + "/end", end)
                        .status())
                .isEqualTo(204);
        assertThat(world.worker(sandbox.session(), "/turns/" + turn + "/end", end)
                        .status())
                .isEqualTo(204);

        assertThat(world.eventTypes(sandbox.session())).containsExactly("session.ready", "turn.failed");
    }

    @Test
    void servesOneSessionOnlySoManyRequestsAtOnce() {
        Sandbox sandbox = world.boot(world.session(), 1);
        var polls = java.util.stream.IntStream.range(0, 8)
                .mapToObj(ignored ->
                        CompletableFuture.supplyAsync(() -> sandbox.get("/next?wait=2"), Thread::startVirtualThread))
                .toList();

        var statuses = polls.stream().map(poll -> poll.join().status()).toList();

        assertThat(statuses).contains(429).contains(204);
        assertThat(sandbox.get("/next?wait=0").status()).isEqualTo(204);
    }
}
