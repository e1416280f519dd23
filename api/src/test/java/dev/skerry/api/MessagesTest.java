package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.api.problem.ApiException;
import dev.skerry.api.turn.MessageText;
import dev.skerry.api.turn.TurnLog;
import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.Reason;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.Messages;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import dev.skerry.store.Turns;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessagesTest {
    private static final int MIB = 1024 * 1024;

    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();
    private final String session = client.newSession();
    private final String path = "/v1/sessions/" + session + "/messages";

    @Test
    void aMessageIsATurnThatTheWorkflowQueues() {
        TestingClient.Answer sent = client.post(path, "{\"text\":\"Hello\"}");
        assertThat(sent.status()).isEqualTo(202);
        String turn = sent.at("/turn/id");
        assertThat(sent.at("/turn/status")).isEqualTo("queued");
        assertThat(RecordingWorkflow.asked(session)).containsExactly("submit " + turn);
        TestingClient.Answer messages = client.get(path);
        assertThat(messages.json().at("/data")).hasSize(1);
        assertThat(messages.at("/data/0/role")).isEqualTo("user");
        assertThat(messages.at("/data/0/turn")).isEqualTo(turn);
        assertThat(messages.at("/data/0/content/0/text")).isEqualTo("Hello");
    }

    @Test
    void showsToolResultsWithTheCallTheyAnswer() {
        String turn = client.post(path, "{\"text\":\"Hello\"}").at("/turn/id");
        api.bean(Messages.class).appendToolResult(session, turn, "msg_" + UUID.randomUUID(), "[]", "call_1", true);
        assertThat(client.get(path).json().at("/data/1/tool_call_id").asString())
                .isEqualTo("call_1");
        assertThat(client.get(path).json().at("/data/1/is_error").asBoolean()).isTrue();
        assertThat(client.get(path).json().at("/data/0").has("is_error")).isFalse();
    }

    @Test
    void listsOldestFirstPageByPage() {
        for (String text : new String[] {"a", "b", "c"}) {
            client.post(path, "{\"text\":\"" + text + "\"}");
        }
        TestingClient.Answer page = client.get(path + "?limit=2");
        assertThat(page.json()
                        .at("/data")
                        .valueStream()
                        .map(message -> message.at("/content/0/text").asString()))
                .containsExactly("a", "b");
        TestingClient.Answer rest = client.get(path + "?limit=2&cursor=" + page.at("/next_cursor"));
        assertThat(rest.json()
                        .at("/data")
                        .valueStream()
                        .map(message -> message.at("/content/0/text").asString()))
                .containsExactly("c");
        assertThat(rest.json().at("/has_more").asBoolean()).isFalse();
        assertThat(client.get(path + "?cursor=-1").status()).isEqualTo(422);
    }

    @Test
    void theSameIdempotencyKeySendsOnce() {
        String key = UUID.randomUUID().toString();
        TestingClient.Answer first = client.post(path, "{\"text\":\"Hello\"}", "Idempotency-Key", key);
        TestingClient.Answer second = client.post(path, "{\"text\":\"Hello\"}", "Idempotency-Key", key);
        assertThat(second.text()).isEqualTo(first.text());
        assertThat(client.get(path).json().at("/data")).hasSize(1);
    }

    @Test
    void refusesAMessageToAnEndedSession() {
        api.bean(Sessions.class).project(session, 1, "terminated", "deleted", "Deleted.", null, null, null);
        TestingClient.Answer refused = client.post(path, "{\"text\":\"Hello\"}");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.at("/code")).isEqualTo("session_ended");
        assertThat(client.get(path).json().at("/data")).isEmpty();
    }

    @Test
    void refusesAMessageToASessionThatEndsWhileItIsBeingSent() {
        SessionRow asItWas = api.bean(Sessions.class).find(session).orElseThrow();
        api.bean(Sessions.class).project(session, 1, "terminating", "deleted", "Deleted.", null, null, null);
        assertThatThrownBy(() -> api.bean(TurnLog.class)
                        .queue(asItWas.id(), new TurnId("trn_01JZZZZZZZZZZZZZZZZZZZZZZZ"), new MessageText("Hello")))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("ended");
        assertThat(client.get(path).json().at("/data")).isEmpty();
    }

    @Test
    void aTurnThatTheWorkflowRefusesHasFailed() {
        RecordingWorkflow.refuse(session);
        TestingClient.Answer refused = client.post(path, "{\"text\":\"Hello\"}");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.at("/code")).isEqualTo("session_ended");
        String turn = client.get(path).at("/data/0/turn");
        TestingClient.Answer failed = client.get("/v1/sessions/" + session + "/turns/" + turn);
        assertThat(failed.at("/status")).isEqualTo("failed");
        assertThat(failed.at("/reason")).isEqualTo("session_ended");
        assertThat(client.get("/v1/sessions/" + session + "/events")
                        .json()
                        .at("/data")
                        .valueStream())
                .extracting(event -> event.at("/type").asString())
                .endsWith("turn.queued", "turn.failed");
    }

    @Test
    void aMessageTooManyIsRefusedAndOverSoThatSendingItAgainLaterDoesItOnce() {
        RecordingWorkflow.crowd(session);
        TestingClient.Answer refused = client.post(path, "{\"text\":\"Hello\"}");
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.at("/code")).isEqualTo("too_many_waiting");
        assertThat(refused.header("Retry-After")).isNotEmpty();
        String turn = client.get(path).at("/data/0/turn");
        assertThat(client.get("/v1/sessions/" + session + "/turns/" + turn).at("/reason"))
                .isEqualTo("not_delivered");
    }

    @Test
    void aRepeatIsToldWhatBecameOfItsTurnAlsoWhenTheSessionHasEndedSince() {
        RecordingWorkflow.crowd(session);
        assertThat(client.post(path, "{\"text\":\"Hello\"}", "Idempotency-Key", "late")
                        .status())
                .isEqualTo(429);
        String turn = client.get(path).at("/data/0/turn");
        api.bean(TurnLog.class)
                .abandon(session, turn, TurnStatus.FAILED, new Reason("provider_rejected", "The image is gone."));
        api.bean(Sessions.class).project(session, 1, "failed", "provider_rejected", "Gone.", null, null, null);
        TestingClient.Answer again = client.post(path, "{\"text\":\"Hello\"}", "Idempotency-Key", "late");
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.at("/turn/id")).isEqualTo(turn);
        assertThat(again.at("/turn/status")).isEqualTo("failed");
        assertThat(again.at("/turn/reason")).isEqualTo("provider_rejected");
        assertThat(client.post(path, "{\"text\":\"Hello\"}", "Idempotency-Key", "later")
                        .status())
                .isEqualTo(409);
    }

    @Test
    void aMessageBeyondThoseThatMayWaitLeavesNothingAndIsAcceptedOnceThereIsRoom() {
        String oldest = Rows.turn(api, session);
        for (int i = 1; i < AgentSessionWorkflow.MOST_WAITING; i++) {
            Rows.turn(api, session);
        }
        TestingClient.Answer refused = client.post(path, "{\"text\":\"Hello\"}", "Idempotency-Key", "again");
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.at("/code")).isEqualTo("too_many_waiting");
        assertThat(client.get(path).json().at("/data")).isEmpty();
        assertThat(api.bean(Turns.class).waiting(session)).isEqualTo(AgentSessionWorkflow.MOST_WAITING);
        abandon(oldest);
        TestingClient.Answer again = client.post(path, "{\"text\":\"Hello\"}", "Idempotency-Key", "again");
        assertThat(again.status()).isEqualTo(202);
        assertThat(RecordingWorkflow.asked(session)).containsExactly("submit " + again.at("/turn/id"));
    }

    @Test
    void aSessionDoesNotSayThatItRunsATurnThatWasGivenUp() {
        String running = client.post(path, "{\"text\":\"Hello\"}").at("/turn/id");
        String waiting = client.post(path, "{\"text\":\"Hello\"}").at("/turn/id");
        Rows.sandbox(api, session);
        api.bean(Turns.class).give(session, running, 1, new byte[] {1});
        api.bean(Sessions.class).project(session, 1, "running", null, null, 1, null, null);
        abandon(waiting);
        assertThat(client.get("/v1/sessions/" + session).at("/status")).isEqualTo("running");
        abandon(running);
        assertThat(client.get("/v1/sessions/" + session).at("/status")).isEqualTo("idle");
    }

    private void abandon(String turn) {
        api.bean(TurnLog.class)
                .abandon(session, turn, TurnStatus.FAILED, new Reason("not_delivered", "It was not accepted."));
    }

    @Test
    void refusesAMessageToASessionWhoseWorkflowIsGone() {
        String gone = Rows.session(api, "ten_default");
        api.bean(Sessions.class).project(gone, 1, "idle", null, null, 1, null, null);
        TestingClient.Answer refused = client.post("/v1/sessions/" + gone + "/messages", "{\"text\":\"Hello\"}");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.at("/code")).isEqualTo("session_ended");
    }

    @Test
    void aMessageToASessionThatTemporalNeverHeardOfStartsIt() {
        String unborn = Rows.session(api, "ten_default");
        String earlier = Rows.turn(api, unborn);
        TestingClient.Answer sent = client.post("/v1/sessions/" + unborn + "/messages", "{\"text\":\"Hello\"}");
        assertThat(sent.status()).isEqualTo(202);
        assertThat(RecordingWorkflow.asked(unborn))
                .containsExactly("submit " + earlier, "submit " + sent.at("/turn/id"));
    }

    @Test
    void takesExactlyOneMebibyte() {
        assertThat(client.post(path, "{\"text\":\"" + "a".repeat(MIB) + "\"}").status())
                .isEqualTo(202);
    }

    @ParameterizedTest
    @ValueSource(ints = {MIB + 1, 2 * MIB + 1, 10 * MIB})
    void refusesMore(int size) {
        TestingClient.Answer refused = client.post(path, "{\"text\":\"" + "a".repeat(size) + "\"}");
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.at("/code")).isEqualTo("too_large");
        assertThat(client.get(path).json().at("/data")).isEmpty();
    }

    @Test
    void refusesMoreAlsoWhenTheLengthIsNotSaid() throws Exception {
        TestingClient.Answer refused = client.postChunked(path, "{\"text\":\"" + "a".repeat(3 * MIB) + "\"}");
        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.at("/code")).isEqualTo("too_large");
    }

    @Test
    void refusesABodyThatIsNotJson() {
        TestingClient.Answer refused = client.send("POST", path, "text=a", "Content-Type", "text/plain");
        assertThat(refused.status()).isEqualTo(415);
        assertThat(refused.at("/code")).isEqualTo("unsupported_media_type");
    }
}
