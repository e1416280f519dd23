package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.TestingPostgres;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Wishes that come too often, too late or for nothing are a clear problem or no harm. {@code -Dskerry.messages=10000} sends more messages
 * to one session.
 */
@Timeout(900)
class BadTimingTest {
    private static final int MESSAGES = Integer.getInteger("skerry.messages", 1_100);
    private static final int MOST_WAITING = 1_000;
    private static final int AT_ONCE = 8;
    /** After so long without one Temporal asks what has become of a turn. */
    private static final Duration HEARTBEAT = Duration.ofSeconds(30);

    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private static Path directory;

    private static Installation installation;

    private record Answer(int status, JsonNode body) {
        String code() {
            return body.path("code").asString("");
        }
    }

    @BeforeAll
    static void start() throws Exception {
        installation = Installation.start(
                directory,
                TestingPostgres.newDatabase(),
                Map.of("control-plane", Map.of("SKERRY_CONTROLPLANE_LEASE", "PT3M")));
    }

    @AfterAll
    static void stop() {
        if (installation != null) {
            installation.close();
        }
    }

    @Test
    void moreMessagesThanMayWaitAreRefusedAndNoneAcceptedIsLost() throws Exception {
        String session = busySession();
        List<Answer> answers = atOnce(MESSAGES, () -> message(session));
        List<String> accepted = answers.stream()
                .filter(answer -> answer.status() == 202)
                .map(answer -> answer.body().at("/turn/id").asString())
                .toList();
        assertThat(accepted).hasSize(MOST_WAITING).doesNotHaveDuplicates();
        assertThat(answers.stream().filter(answer -> answer.status() != 202))
                .hasSize(MESSAGES - MOST_WAITING)
                .allSatisfy(refused -> {
                    assertThat(refused.status()).isEqualTo(429);
                    assertThat(refused.code()).isEqualTo("too_many_waiting");
                });
        assertThat(queued(session)).containsExactlyInAnyOrderElementsOf(accepted);
        assertThat(installation.query("select count(*) from messages where session_id = '" + session
                        + "' and content->0->>'text' = 'One more.'"))
                .containsExactly(String.valueOf(MOST_WAITING));

        assertThat(ask("DELETE", session, "").status()).isEqualTo(202);
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(queued(session)).isEmpty();
        assertThat(installation.query("select distinct status from turns where session_id = '" + session
                        + "' and id in ('" + String.join("', '", accepted) + "')"))
                .containsExactly("cancelled");
        assertThat(installation.sandboxProcesses()).isEmpty();
    }

    @Test
    void steeringForNothingChangesNothingAndTwoDeletesAtOnceAreOne() throws Exception {
        String session = busySession();
        assertThat(ask("POST", session, "/resume").status()).isEqualTo(202);
        assertThat(installation.query("select incarnation from sessions where id = '" + session + "'"))
                .containsExactly("1");
        assertThat(ask("POST", session, "/cancel").status()).isEqualTo(202);
        installation.awaitStatus(session, "idle", PATIENCE);
        List<String> events = events(session);
        assertThat(ask("POST", session, "/cancel").status()).isEqualTo(202);
        assertThat(ask("POST", session, "/resume").status()).isEqualTo(202);
        assertThat(events(session)).isEqualTo(events);

        assertThat(atOnce(4, () -> ask("DELETE", session, ""))).allMatch(answer -> answer.status() == 202);
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(events(session).stream().filter("session.terminated"::equals))
                .hasSize(1);
        assertThat(ask("DELETE", session, "").status()).isEqualTo(202);
        assertThat(message(session).code()).isEqualTo("session_ended");
        assertThat(ask("POST", session, "/resume").code()).isEqualTo("session_ended");
        assertThat(message("ses_00000000000000000000000000").status()).isEqualTo(404);
    }

    @Test
    void aControlPlaneThatIsAwayForLongerThanAHeartbeatCostsNoTurnItsSandbox() throws Exception {
        String session = busySession("rehearse:sleep=10 into late.txt");
        installation.kill("control-plane");
        try {
            Thread.sleep(HEARTBEAT.plusSeconds(5));
        } finally {
            installation.restart("control-plane");
        }
        installation.awaitStatus(session, "idle", PATIENCE);
        assertThat(installation.query(
                        "select status || ' ' || attempt || ' ' || incarnation from turns where session_id = '"
                                + session + "'"))
                .containsExactly("completed 1 1");
        assertThat(ask("DELETE", session, "").status()).isEqualTo(202);
        installation.awaitStatus(session, "terminated", PATIENCE);
    }

    private static String busySession() throws Exception {
        return busySession("rehearse:sleep=600 into never.txt");
    }

    private static String busySession(String task) throws Exception {
        String session = JSON.readTree(installation.post("/v1/sessions", "{\"message\":\"" + task + "\"}", Map.of()))
                .path("id")
                .asString();
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> !installation
                        .query("select 1 from events where type = 'tool.started' and session_id = '" + session + "'")
                        .isEmpty());
        return session;
    }

    private static List<Answer> atOnce(int times, Callable<Answer> wish) throws Exception {
        List<Answer> answers = new ArrayList<>();
        try (ExecutorService people = Executors.newFixedThreadPool(AT_ONCE)) {
            for (Future<Answer> asked : people.invokeAll(Collections.nCopies(times, wish))) {
                answers.add(asked.get());
            }
        }
        return answers;
    }

    private static Answer message(String session) throws IOException, InterruptedException {
        return send(
                "POST",
                "/v1/sessions/" + session + "/messages",
                "{\"text\":\"One more.\"}",
                Map.of("Idempotency-Key", UUID.randomUUID().toString()));
    }

    private static Answer ask(String method, String session, String what) throws IOException, InterruptedException {
        return send(method, "/v1/sessions/" + session + what, "", Map.of());
    }

    private static Answer send(String method, String path, String body, Map<String, String> headers)
            throws IOException, InterruptedException {
        HttpResponse<String> answer = installation.ask(method, path, body, headers);
        return new Answer(answer.statusCode(), JSON.readTree(answer.body().isEmpty() ? "null" : answer.body()));
    }

    private static List<String> queued(String session) throws Exception {
        return installation.query("select id from turns where status = 'queued' and session_id = '" + session + "'");
    }

    private static List<String> events(String session) throws Exception {
        return installation.query("select type from events where session_id = '" + session + "' order by seq");
    }
}
