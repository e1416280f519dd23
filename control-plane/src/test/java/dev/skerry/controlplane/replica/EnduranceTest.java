package dev.skerry.controlplane.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneProcess;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.store.Ledger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.env.Environment;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Sandboxes that know one address, behind which replicas are killed again and again while turns go on. */
@ControlPlaneTest
class EnduranceTest {
    private static final int SANDBOXES = 8;
    private static final int KILLS = 3;
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Duration PIECE = Duration.ofMillis(60);
    private static final String TOKEN = Base64.getEncoder().encodeToString("no activity".getBytes());

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final CountDownLatch enough = new CountDownLatch(1);
    private final String marker = TestingModels.marker(EnduranceTest::answer);

    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    @Autowired
    Environment environment;

    private List<ControlPlaneProcess> replicas;
    private Balancer sandboxAddress;
    private Balancer workerAddress;

    @BeforeEach
    void startTwoReplicasBehindOneAddress() {
        Map<String, Object> settings = Map.of(
                "skerry.models.anthropic-key",
                TestingModels.ANTHROPIC_KEY,
                "skerry.models.anthropic-base-url",
                TestingModels.origin());
        replicas = List.of(
                ControlPlaneProcess.launch(environment, settings), ControlPlaneProcess.launch(environment, settings));
        replicas.forEach(ControlPlaneProcess::awaitReady);
        sandboxAddress =
                new Balancer(replicas.get(0).sandboxPort(), replicas.get(1).sandboxPort());
        workerAddress =
                new Balancer(replicas.get(0).internalPort(), replicas.get(1).internalPort());
    }

    @AfterEach
    void stop() {
        replicas.forEach(ControlPlaneProcess::close);
        sandboxAddress.close();
        workerAddress.close();
    }

    @Test
    void everyTurnIsCompletedOnceAndEveryCallIsPaidOnceHoweverOftenAReplicaIsKilled() throws Exception {
        List<ScriptedSandbox> sandboxes = new ArrayList<>();
        List<List<String>> given = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> parts = new ArrayList<>();
            for (int i = 0; i < SANDBOXES; i++) {
                ScriptedSandbox sandbox = new ScriptedSandbox(boot(), marker, PATIENCE);
                List<String> turns = new ArrayList<>();
                Random pauses = new Random(seed + i);
                int longestPause = i % 3 == 0 ? 3000 : 300;
                sandboxes.add(sandbox);
                given.add(turns);
                parts.add(threads.submit(sandbox::work));
                parts.add(threads.submit(() -> {
                    giveTurns(sandbox, turns, pauses, longestPause);
                    return null;
                }));
            }
            killAndRestart();
            enough.countDown();
            for (Future<?> part : parts) {
                part.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            }
        }

        for (int i = 0; i < SANDBOXES; i++) {
            assertThat(sandboxes.get(i).turns()).as(why(sandboxes)).isEqualTo(given.get(i));
        }
        String[] sessions =
                sandboxes.stream().map(sandbox -> sandbox.identity().session()).toArray(String[]::new);
        nothingIsLostOrSaidTwice(sessions, why(sandboxes));
        everyCallIsExplained(sessions, sandboxes, why(sandboxes));
    }

    private void nothingIsLostOrSaidTwice(String[] sessions, String why) {
        assertThat(count(sessions, "from turns t where t.status <> 'completed'"))
                .as(why)
                .isZero();
        assertThat(
                        count(
                                sessions,
                                "from turns t where 1 <> (select count(*) from events e where e.turn_id = t.id and e.type = 'turn.completed')"))
                .as(why)
                .isZero();
        assertThat(
                        count(
                                sessions,
                                "from turns t where array['user', 'assistant', 'tool', 'assistant'] <> "
                                        + "(select array_agg(m.role order by m.position) from messages m where m.turn_id = t.id)"))
                .as(why)
                .isZero();
        assertThat(count(
                        sessions,
                        "from messages t where t.role = 'assistant' and 1 <> (select count(*) from model_calls c "
                                + "where c.turn_id = t.turn_id and c.seq = t.call_seq and c.outcome = 'completed')"))
                .as(why)
                .isZero();
    }

    private void everyCallIsExplained(String[] sessions, List<ScriptedSandbox> sandboxes, String why) {
        await().atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(200))
                .untilAsserted(() -> assertThat(count(sessions, "from model_calls t where t.state = 'reserved'"))
                        .as(why)
                        .isZero());
        assertThat(ledger.discrepancies()).as(why).isEmpty();
        int completed = count(sessions, "from model_calls t where t.outcome = 'completed'");
        int abandoned = count(sessions, "from model_calls t where t.outcome = 'abandoned'");
        int asked = TestingModels.received(marker).size();
        String sums = completed + " completed, " + abandoned + " abandoned, " + asked + " asked, " + why;
        assertThat(count(sessions, "from model_calls t where t.outcome not in ('completed', 'abandoned')"))
                .as(sums)
                .isZero();
        assertThat(asked).as(sums).isBetween(completed, completed + abandoned);
        assertThat(abandoned).as(sums).isBetween(1, KILLS * SANDBOXES);
        assertThat(count(
                        sessions,
                        "from model_calls t where t.outcome = 'completed' and t.cost_nano_usd <> "
                                + TestingModels.ANTHROPIC_COST))
                .as(sums)
                .isZero();
        assertThat(count(
                        sessions,
                        "from model_calls t where t.outcome = 'abandoned' and t.cost_nano_usd <> t.reserved_nano_usd"))
                .as(sums)
                .isZero();
        int received = sandboxes.stream().mapToInt(ScriptedSandbox::passed).sum();
        assertThat(count(sessions, "from model_calls t where t.outcome = 'completed' and t.seq is null"))
                .as(sums)
                .isBetween(received, received + KILLS * SANDBOXES);
        assertThat(sandboxes.stream().mapToInt(ScriptedSandbox::brokenPolls).sum())
                .as(sums)
                .isPositive();
        assertThat(sandboxes.stream().mapToInt(ScriptedSandbox::brokenStreams).sum())
                .as(sums)
                .isPositive();
    }

    private void killAndRestart() throws InterruptedException {
        for (int kill = 0; kill < KILLS; kill++) {
            assertThat(enough.await(random.nextInt(500, 2500), TimeUnit.MILLISECONDS))
                    .isFalse();
            replicas.get(random.nextInt(replicas.size())).restart();
        }
    }

    /** As API and worker do. */
    private void giveTurns(ScriptedSandbox sandbox, List<String> turns, Random pauses, int longestPause)
            throws InterruptedException {
        while (!enough.await(pauses.nextInt(longestPause), TimeUnit.MILLISECONDS)) {
            String session = sandbox.identity().session();
            String turn = world.turn(session, "Look at the weather, " + marker);
            await().atMost(PATIENCE).ignoreExceptions().until(() -> given(session, turn));
            turns.add(turn);
            assertThat(sandbox.awaitTurn()).isEqualTo(turn);
        }
        sandbox.stop();
    }

    private boolean given(String session, String turn) {
        return world.worker(workerAddress.origin(), session, "/incarnations/1/turns/" + turn, World.giving(TOKEN))
                        .status()
                == 200;
    }

    private Sandbox boot() {
        Sandbox booted = world.boot(world.session(TestingModels.ANTHROPIC_MODEL, 1000 * World.DOLLAR), 1);
        return new Sandbox(sandboxAddress.origin(), booted.session(), booted.incarnation(), booted.token());
    }

    /** Asks for a tool whenever the last thing said was not a tool's result; piece by piece. */
    private static Reply answer(Received received) {
        ObjectNode body = (ObjectNode) received.body();
        JsonNode messages = body.path("messages");
        String last = messages.path(messages.size() - 1).toString();
        if (last.contains("tool_result")) {
            body.remove("tools");
        }
        body.remove("messages");
        Received lastOnly = new Received(received.method(), received.path(), received.headers(), Http.text(body));
        return Reply.events(TestingModels.events(lastOnly)).slowly(PIECE);
    }

    private int count(String[] sessions, String what) {
        return world.jdbc()
                .sql("select count(*) " + what + " and t.session_id = any(:sessions)")
                .param("sessions", sessions)
                .query(Integer.class)
                .single();
    }

    private String why(List<ScriptedSandbox> sandboxes) {
        return "seed " + seed + ", "
                + sandboxes.stream().map(ScriptedSandbox::troubles).toList();
    }
}
