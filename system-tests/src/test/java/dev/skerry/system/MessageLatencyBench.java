package dev.skerry.system;

import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.testing.FreePort;
import dev.skerry.testing.TestingPostgres;
import io.temporal.client.WorkflowClient;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How long a message takes from the API to an awake sandbox's socket, every role a process of its own; and how long of that Temporal and
 * Postgres take by themselves: an update that changes nothing, and a notification.
 *
 * <p>Run it with {@code ./mvnw -pl system-tests -am verify -Dtest=MessageLatencyBench -Dskerry.bench=true
 * -Dsurefire.failIfNoSpecifiedTests=false}; it prints a table.
 */
@EnabledIfSystemProperty(named = "skerry.bench", matches = "true", disabledReason = "a benchmark: -Dskerry.bench=true")
class MessageLatencyBench {
    private static final int WARM_UP = 300;
    private static final int MESSAGES = 200;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int NOTICE_MILLIS = 5_000;

    @TempDir
    private static Path directory;

    private final JsonMapper json = JsonMapper.builder().build();

    @Test
    void measuresWhatAMessageTakesToAnAwakeSandbox() throws Exception {
        int controlPlane = FreePort.find();
        String database = TestingPostgres.newDatabase();
        try (SandboxLine line = SandboxLine.to(controlPlane);
                Installation installation = Installation.start(
                        directory,
                        database,
                        Map.of(
                                "control-plane",
                                Map.of(
                                        "SERVER_PORT",
                                        Integer.toString(controlPlane),
                                        "SKERRY_CONTROLPLANE_SANDBOXURL",
                                        line.url())));
                Connection hears = DriverManager.getConnection(database, "postgres", "");
                Connection tells = DriverManager.getConnection(database, "postgres", "")) {
            String session = json.readTree(
                            installation.post("/v1/sessions", "{\"budget\":{\"max_cost_usd\":1}}", Map.of()))
                    .path("id")
                    .asString();
            WorkflowClient temporal = installation.temporalClient();
            AgentSessionWorkflow workflow = temporal.newWorkflowStub(AgentSessionWorkflow.class, session);
            try (Statement statement = hears.createStatement()) {
                statement.execute("listen bench");
            }
            double[] messages = new double[MESSAGES];
            double[] accepted = new double[MESSAGES];
            double[] updates = new double[MESSAGES];
            double[] notices = new double[MESSAGES];
            for (int i = -WARM_UP; i < MESSAGES; i++) {
                long start = System.nanoTime();
                String turn = send(installation, session);
                long answered = System.nanoTime();
                long received = await(line, turn);
                awaitRest(installation, session, turn);
                double update = millis(() -> workflow.cancelTurn());
                double notice = millis(() -> notify(tells, hears));
                if (i >= 0) {
                    messages[i] = (received - start) / 1e6;
                    accepted[i] = (answered - start) / 1e6;
                    updates[i] = update;
                    notices[i] = notice;
                }
            }
            temporal.getWorkflowServiceStubs().shutdown();
            System.out.printf("%n| ms, %d messages, one at a time | p50 | p95 | p99 |%n|---|---|---|---|%n", MESSAGES);
            print("POST /messages until the sandbox has the turn", messages);
            print("POST /messages until it is answered", accepted);
            print("floor: a Temporal update that changes nothing", updates);
            print("floor: a Postgres notification", notices);
            System.out.println();
        }
    }

    private String send(Installation installation, String session) throws Exception {
        JsonNode answer = json.readTree(installation.post(
                "/v1/sessions/" + session + "/messages", "{\"text\":\"rehearse:run=true\"}", Map.of()));
        return answer.findValue("id").asString();
    }

    private static long await(SandboxLine line, String turn) {
        return Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> line.receivedAt(turn), OptionalLong::isPresent)
                .orElseThrow();
    }

    /** Until the turn is over, and the session waits for the next. */
    private static void awaitRest(Installation installation, String session, String turn) {
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> installation
                        .query("select 1 from turns t join sessions s on s.id = t.session_id where t.id = '" + turn
                                + "' and t.finished_at is not null and s.status = 'idle' and s.id = '" + session + "'")
                        .contains("1"));
    }

    private static void notify(Connection tells, Connection hears) throws Exception {
        try (Statement statement = tells.createStatement()) {
            statement.execute("notify bench");
        }
        if (hears.unwrap(PGConnection.class).getNotifications(NOTICE_MILLIS).length == 0) {
            throw new IllegalStateException("no notification came");
        }
    }

    private interface Step {
        void run() throws Exception;
    }

    private static double millis(Step step) throws Exception {
        long start = System.nanoTime();
        step.run();
        return (System.nanoTime() - start) / 1e6;
    }

    private static void print(String name, double[] times) {
        Arrays.sort(times);
        System.out.printf("| %s | %.1f | %.1f | %.1f |%n", name, at(times, 50), at(times, 95), at(times, 99));
    }

    private static double at(double[] sorted, int percentile) {
        return sorted[sorted.length * percentile / 100];
    }
}
