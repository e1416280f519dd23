package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.store.Events;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Sessions;
import dev.skerry.store.Turns;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SteeringTest {
    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();

    @ParameterizedTest
    @ValueSource(strings = {"suspend", "resume", "cancel"})
    void asksTheWorkflow(String wish) {
        String id = client.newSession();
        TestingClient.Answer asked = client.post("/v1/sessions/" + id + "/" + wish, null);
        assertThat(asked.status()).isEqualTo(202);
        assertThat(asked.at("/id")).isEqualTo(id);
        Eventually.happens(() -> RecordingWorkflow.asked(id).contains(wish));
    }

    @Test
    void deletesOnceHoweverOftenItIsAsked() {
        String id = client.newSession();
        assertThat(client.delete("/v1/sessions/" + id).status()).isEqualTo(202);
        TestingClient.Answer again = client.delete("/v1/sessions/" + id);
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.at("/id")).isEqualTo(id);
        assertThat(RecordingWorkflow.asked(id)).containsOnlyOnce("terminate deleted");
    }

    @ParameterizedTest
    @ValueSource(strings = {"terminating", "terminated"})
    void deletesASessionThatSaysThatItEndsThoughItsWorkflowHasForgotten(String status) {
        String id = client.newSession();
        api.bean(Sessions.class).project(id, 1, status, "deleted", "Deleted.", 1, "unikraft", "local");
        assertThat(client.delete("/v1/sessions/" + id).status()).isEqualTo(202);
        Eventually.happens(() -> RecordingWorkflow.asked(id).contains("cancelled"));
    }

    @Test
    void deletesOnceWhenManyAskAtTheSameTime() throws Exception {
        String id = client.newSession();
        try (ExecutorService askers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> asked = askers.invokeAll(Collections.nCopies(
                    8, () -> client.delete("/v1/sessions/" + id).status()));
            for (Future<Integer> answer : asked) {
                assertThat(answer.get()).isEqualTo(202);
            }
        }
        assertThat(client.get("/v1/sessions/" + id + "/events").status()).isEqualTo(200);
        assertThat(RecordingWorkflow.asked(id)).contains("terminate deleted");
    }

    @Test
    void asksNothingOfASessionThatNobodyHasHeardOf() {
        String path = "/v1/sessions/ses_01JZZZZZZZZZZZZZZZZZZZZZZZ";
        assertThat(client.post(path + "/suspend", null).status()).isEqualTo(404);
        assertThat(client.post(path + "/messages", "{\"text\":\"Hello\"}").status())
                .isEqualTo(404);
        assertThat(client.delete(path).status()).isEqualTo(404);
    }

    @Test
    void keepsTheRecordOfAnEndedSessionThatIsDeleted() {
        String id = client.newSession();
        api.bean(Sessions.class).project(id, 1, "failed", "boot_failed", "It did not boot.", 1, "unikraft", "local");
        TestingClient.Answer deleted = client.delete("/v1/sessions/" + id);
        assertThat(deleted.status()).isEqualTo(202);
        assertThat(deleted.at("/status")).isEqualTo("failed");
        assertThat(deleted.json().at("/reason").toString())
                .isEqualTo("{\"code\":\"boot_failed\",\"message\":\"It did not boot.\"}");
        assertThat(deleted.at("/ended_at")).isNotEmpty();
    }

    @Test
    void closesTheRowOfASessionThatTemporalDoesNotKnow() {
        String id = Rows.session(api, "ten_default");
        String turn = Rows.turn(api, id);
        TestingClient.Answer deleted = client.delete("/v1/sessions/" + id);
        assertThat(deleted.status()).isEqualTo(202);
        assertThat(deleted.at("/status")).isEqualTo("terminated");
        assertThat(deleted.at("/reason/code")).isEqualTo("deleted");
        assertThat(client.get("/v1/sessions/" + id + "/turns/" + turn).at("/status"))
                .isEqualTo("cancelled");
        assertThat(client.get("/v1/sessions/" + id + "/events")
                        .json()
                        .at("/data")
                        .valueStream())
                .extracting(event -> event.at("/type").asString())
                .endsWith("turn.cancelled", "session.terminated");
    }

    @Test
    void revokesTheTokensOfASessionWhoseWorkflowWasEndedByForce() {
        String id = Rows.session(api, "ten_default");
        api.bean(Sessions.class).project(id, 1, "idle", null, null, 1, "unikraft", "local");
        Rows.sandbox(api, id);
        String turn = Rows.turn(api, id);
        api.bean(Turns.class).give(id, turn, 1, new byte[0]);
        Rows.call(api, id, turn, 1, "big", 300, 20_000_000L);
        assertThat(client.delete("/v1/sessions/" + id).at("/status")).isEqualTo("terminated");
        assertThat(api.bean(Events.class).list(id, 0, 10)).first().satisfies(event -> {
            assertThat(event.type()).isEqualTo("turn.cancelled");
            assertThat(event.incarnation()).isEqualTo(1);
            assertThat(event.data()).contains("\"calls\": 1", "\"cost_usd\": 0.02");
        });
        assertThat(api.bean(Incarnations.class).find(id, 1))
                .get()
                .extracting(Incarnations.IncarnationRow::state)
                .isEqualTo("closed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"suspend", "resume", "cancel"})
    void asksNothingOfAnEndedSession(String wish) {
        String id = client.newSession();
        api.bean(Sessions.class).project(id, 1, "terminating", null, null, null, null, null);
        TestingClient.Answer refused = client.post("/v1/sessions/" + id + "/" + wish, null);
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.at("/code")).isEqualTo("session_ended");
    }

    @Test
    void saysThatASessionWhoseWorkflowIsGoneHasEnded() {
        String id = Rows.session(api, "ten_default");
        api.bean(Sessions.class).project(id, 1, "idle", null, null, 1, null, null);
        TestingClient.Answer refused = client.post("/v1/sessions/" + id + "/suspend", null);
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.at("/code")).isEqualTo("session_ended");
    }

    @Test
    void askingASessionThatHasNotStartedCanBeRepeatedLater() {
        String id = Rows.session(api, "ten_default");
        TestingClient.Answer refused = client.post("/v1/sessions/" + id + "/suspend", null);
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("Retry-After")).isEqualTo("5");
    }

    @Test
    void showsUsageByModelAgainstTheCap() {
        String id = client.post("/v1/sessions", "{\"budget\":{\"max_cost_usd\":0.5}}")
                .at("/id");
        String turn = Rows.turn(api, id);
        Rows.call(api, id, turn, 1, "big", 300, 20_000_000L);
        Rows.call(api, id, turn, 2, "small", 100, 1L);
        TestingClient.Answer usage = client.get("/v1/sessions/" + id + "/usage");
        assertThat(usage.text())
                .isEqualTo(
                        "{\"calls\":2,\"input_tokens\":400,\"output_tokens\":2,\"cost_usd\":0.020000001,"
                                + "\"reserved_usd\":0,\"cap_usd\":0.5,\"by_model\":["
                                + "{\"model\":\"big\",\"calls\":1,\"input_tokens\":300,\"output_tokens\":1,\"cost_usd\":0.02},"
                                + "{\"model\":\"small\",\"calls\":1,\"input_tokens\":100,\"output_tokens\":1,\"cost_usd\":1E-9}]}");
        assertThat(client.get("/v1/sessions/" + id).json().at("/cost_usd").toString())
                .isEqualTo("0.020000001");
    }
}
