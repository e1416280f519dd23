package dev.skerry.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.transaction.support.TransactionTemplate;

@StoreTest
class RepositoriesTest {
    @Autowired
    private StoreFixture fixture;

    @Autowired
    private Sessions sessions;

    @Autowired
    private Turns turns;

    @Autowired
    private Messages messages;

    @Autowired
    private Events events;

    @Autowired
    private Incarnations incarnations;

    @Autowired
    private Workspace workspace;

    @Autowired
    private IdempotencyKeys idempotencyKeys;

    @Autowired
    private Notifications notifications;

    @Autowired
    private Models models;

    @Autowired
    private ApiKeys apiKeys;

    @Autowired
    private TransactionTemplate transactions;

    @Test
    void aSessionIsInvisibleToAnotherTenant() {
        String session = fixture.session(1);
        assertThat(sessions.find(session)).isPresent();
        assertThat(sessions.find("ten_other", session)).isEmpty();
    }

    @Test
    void anEndedSessionStaysEnded() {
        String session = fixture.session(1);
        assertThat(sessions.project(session, 1, "terminated", "deleted", "Deleted.", 1, "unikraft", "local"))
                .isTrue();
        assertThat(sessions.project(session, 2, "idle", null, null, null, null, null))
                .isFalse();
        assertThat(sessions.find(session).orElseThrow().endedAt()).isNotNull();
    }

    @Test
    void sessionsThatNobodyActsOnAreNeglected() {
        String unborn = fixture.session(1);
        String waiting = fixture.session(1);
        String busy = fixture.session(1);
        String content = fixture.session(1);
        fixture.turn(waiting);
        fixture.turn(busy);
        sessions.project(waiting, 1, "idle", null, null, 1, null, null);
        sessions.project(busy, 1, "running", null, null, 1, null, null);
        sessions.project(content, 1, "suspended", null, null, 1, null, null);
        Instant soon = Instant.now().plusSeconds(60);
        assertThat(sessions.neglected(soon, "", 1_000))
                .extracting(SessionRow::id)
                .contains(unborn, waiting)
                .doesNotContain(busy, content);
        assertThat(sessions.neglected(Instant.now().minusSeconds(60), "", 1_000))
                .isEmpty();
        assertThat(sessions.neglected(soon, "ses_z", 1_000)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"terminating", "terminated", "failed"})
    void aSessionThatEndsTakesNoTurnAnyMore(String status) {
        String session = fixture.session(1);
        sessions.project(session, 1, status, null, null, null, null, null);
        assertThat(turns.append(session, "trn_of_" + session, null)).isEmpty();
        assertThat(turns.list(session)).isEmpty();
    }

    @Test
    void aTurnThatOutlivedItsSessionIsStranded() {
        String ended = fixture.session(1);
        String going = fixture.session(1);
        String turn = fixture.turn(ended);
        fixture.turn(going);
        sessions.project(ended, 1, "terminated", null, null, null, null, null);
        sessions.project(going, 1, "terminating", null, null, null, null, null);
        Instant soon = Instant.now().plusSeconds(60);
        assertThat(turns.stranded(soon, 1_000))
                .extracting(TurnRow::id)
                .contains(turn)
                .doesNotContainAnyElementsOf(turns.open(going));
        assertThat(turns.stranded(Instant.now().minusSeconds(60), 1_000)).isEmpty();
        turns.finish(ended, turn, "failed", null, null, null, "[]");
        assertThat(turns.stranded(soon, 1_000)).extracting(TurnRow::id).doesNotContain(turn);
    }

    @Test
    void aSessionIsUnendedWhileATokenOfItCounts() {
        String going = fixture.session(1);
        String ended = fixture.session(1);
        String lying = fixture.session(1);
        for (String session : List.of(ended, lying)) {
            incarnations.open(session, 1, null);
            sessions.project(session, 1, "terminated", null, null, 1, null, null);
        }
        incarnations.closeUpTo(ended, 1);
        Instant soon = Instant.now().plusSeconds(60);
        assertThat(sessions.unended(soon, "", 1_000))
                .extracting(SessionRow::id)
                .contains(going, lying)
                .doesNotContain(ended);
        assertThat(sessions.unended(Instant.now().minusSeconds(60), "", 1_000)).isEmpty();
    }

    @Test
    void eventsAreNumberedWithoutGapsAndAnnounced() throws Exception {
        String session = fixture.session(1);
        BlockingQueue<String> heard = new ArrayBlockingQueue<>(100);
        notifications.listen(Notifications.Channel.SKERRY_EVENTS, heard::add);
        events.append(session, "session.created", null, null, "{}");
        assertThat(events.append(session, "turn.queued", null, 1, "{\"a\": 1}")).isEqualTo(2);
        assertThat(events.list(session, 1, 10)).singleElement().satisfies(event -> {
            assertThat(event.type()).isEqualTo("turn.queued");
            assertThat(event.data()).isEqualTo("{\"a\": 1}");
        });
        assertThat(heard.poll(5, TimeUnit.SECONDS)).isEqualTo(session);
    }

    @Test
    void aTurnIsFinishedOnce() {
        String session = fixture.session(1);
        String turn = fixture.turn(session);
        assertThat(turns.give(session, turn, 1, new byte[] {1}))
                .hasValueSatisfying(row -> assertThat(row.attempt()).isEqualTo(1));
        assertThat(turns.give(session, turn, 1, new byte[] {2}))
                .hasValueSatisfying(row -> assertThat(row.attempt()).isEqualTo(1));
        assertThat(turns.give(session, turn, 2, new byte[] {3}))
                .hasValueSatisfying(row -> assertThat(row.attempt()).isEqualTo(2));
        assertThat(turns.runningOn(session, 1)).isEmpty();
        assertThat(turns.finish(session, turn, "completed", "done", null, null, "[]"))
                .isPresent();
        assertThat(turns.finish(session, turn, "failed", null, "x", "y", "[]")).isEmpty();
        assertThat(turns.give(session, turn, 3, new byte[] {4})).isEmpty();
    }

    @Test
    void aTurnNeverGoesBackToALowerIncarnation() {
        String session = fixture.session(1);
        String turn = fixture.turn(session);
        turns.give(session, turn, 2, new byte[] {2});
        assertThat(turns.give(session, turn, 1, new byte[] {1})).isEmpty();
        assertThat(turns.runningOn(session, 2))
                .hasValueSatisfying(row -> assertThat(row.taskToken()).containsExactly(2));
    }

    @Test
    void aTurnThatIsToBeCancelledIsGivenToNobody() {
        String session = fixture.session(1);
        String turn = fixture.turn(session);
        turns.requestCancel(session, turn);
        assertThat(turns.give(session, turn, 1, new byte[] {1})).isEmpty();
        assertThat(turns.find(session, turn).orElseThrow().incarnation()).isNull();
    }

    @Test
    void anIncarnationIsDismissedOnlyAsLongAsItsTurnIsTheSame() {
        String session = fixture.session(1);
        String turn = fixture.turn(session);
        incarnations.open(session, 1, null);
        live(session, 1);
        turns.give(session, turn, 1, new byte[] {1});
        turns.give(session, turn, 1, new byte[] {2});
        assertThat(incarnations.dismiss(session, 1, new byte[] {1})).isFalse();
        assertThat(incarnations.find(session, 1).orElseThrow().directive()).isNull();
        assertThat(incarnations.dismiss(session, 1, new byte[] {2})).isTrue();
        assertThat(incarnations.dismiss(session, 1, new byte[] {2})).isFalse();
        assertThat(incarnations.find(session, 1).orElseThrow().directive()).isEqualTo("stop");

        incarnations.open(session, 2, null);
        live(session, 2);
        turns.give(session, turn, 2, new byte[] {3});
        assertThat(incarnations.dismiss(session, 1, new byte[] {2})).isFalse();
        assertThat(incarnations.find(session, 2).orElseThrow().directive()).isNull();
        turns.finish(session, turn, "completed", null, null, null, "[]");
        assertThat(incarnations.dismiss(session, 2, new byte[] {3})).isFalse();
    }

    private void live(String session, int number) {
        byte[] token = (session + number).getBytes(StandardCharsets.UTF_8);
        assertThat(incarnations.exchange(
                        session, number, "nonce" + number, token, Duration.ofSeconds(60), "plain", "1", "[]"))
                .isTrue();
    }

    @Test
    void acceptsOneResultPerToolCall() {
        String session = fixture.session(1);
        String turn = fixture.turn(session);
        messages.appendUser(session, turn, session + "m1", "[]");
        messages.appendAssistant(session, turn, session + "m2", "[]", 1, "tool_use");
        messages.appendToolResult(session, turn, session + "m3", "[]", "call_1", false);
        assertThatThrownBy(() -> messages.appendToolResult(session, turn, session + "m4", "[]", "call_1", false))
                .isInstanceOf(DuplicateKeyException.class);
        assertThat(messages.nextCallSeq(turn)).isEqualTo(2);
        assertThat(messages.upToTurn(session, 1, null))
                .extracting(Messages.MessageRow::role)
                .containsExactly("user", "assistant", "tool");
    }

    @Test
    void theModelDoesNotSeeTurnsThatStillWait() {
        String session = fixture.session(1);
        String first = fixture.turn(session);
        messages.appendUser(session, first, session + "m1", "[]");
        String second = fixture.turn(session);
        messages.appendUser(session, second, session + "m2", "[]");
        messages.appendAssistant(session, first, session + "m3", "[]", 1, "end_turn");
        assertThat(seen(session, 1, null)).containsExactly(session + "m1", session + "m3");
        turns.finish(session, first, "completed", "done", null, null, "[]");
        assertThat(seen(session, 2, null)).containsExactly(session + "m1", session + "m3", session + "m2");
    }

    @Test
    void theModelDoesNotSeeWhatWasRefused() {
        String session = fixture.session(1);
        String refused = fixture.turn(session);
        messages.appendUser(session, refused, session + "m1", "[]");
        turns.finish(session, refused, "failed", null, Turns.NOT_DELIVERED, "It was not accepted.", "[]");
        String second = fixture.turn(session);
        messages.appendUser(session, second, session + "m2", "[]");
        assertThat(seen(session, 2, null)).containsExactly(session + "m2");
    }

    @Test
    void theModelDoesNotSeeAnOlderTurnThatWasLeftWaitingEither() {
        String session = fixture.session(1);
        String left = fixture.turn(session);
        messages.appendUser(session, left, session + "m1", "[]");
        String second = fixture.turn(session);
        messages.appendUser(session, second, session + "m2", "[]");
        turns.give(session, second, 1, new byte[] {1});
        assertThat(seen(session, 2, null)).containsExactly(session + "m2");
        turns.finish(session, second, "completed", "done", null, null, "[]");
        turns.give(session, left, 1, new byte[] {1});
        assertThat(seen(session, 1, null)).containsExactly(session + "m1");
    }

    @Test
    void theModelSeesWhatFollowsTheNewestCondensationThatItsTurnReaches() {
        String session = fixture.session(1);
        String first = fixture.turn(session);
        String second = fixture.turn(session);
        messages.appendUser(session, first, session + "m1", "[]");
        messages.appendUser(session, second, session + "m2", "[]");
        messages.appendAssistant(session, first, session + "m3", "[]", 1, "end_turn");
        turns.finish(session, first, "completed", "done", null, null, "[]");
        messages.condense(session, session + "m1", "One.");
        assertThat(seen(session, 2, messages.condensation(session, 2).orElseThrow()))
                .containsExactly(session + "m3", session + "m2");
        messages.condense(session, session + "m2", "Two.");
        assertThat(seen(session, 2, messages.condensation(session, 2).orElseThrow()))
                .isEmpty();
        assertThat(messages.condensation(session, 1))
                .hasValueSatisfying(condensed -> assertThat(condensed.text()).isEqualTo("One."));
    }

    private List<String> seen(String session, int turnOrdinal, Messages.@Nullable Condensation condensed) {
        return messages.upToTurn(session, turnOrdinal, condensed).stream()
                .map(Messages.MessageRow::id)
                .toList();
    }

    @Test
    void bootTokenIsExchangedForOneNonceOnly() {
        String session = fixture.session(1);
        incarnations.open(session, 1, null);
        assertThat(exchange(session, 1, "n1", "a")).isTrue();
        assertThat(exchange(session, 1, "n1", "a")).isTrue();
        assertThat(exchange(session, 1, "n2", "b")).isFalse();
    }

    @Test
    void aNewIncarnationFencesTheOld() {
        String session = fixture.session(1);
        incarnations.open(session, 1, null);
        exchange(session, 1, "n1", session);
        incarnations.open(session, 2, null);
        assertThat(incarnations.renewLease(session, 1, Duration.ofSeconds(60))).isFalse();
        assertThat(incarnations.find(session, 1).orElseThrow().state()).isEqualTo("closed");
        assertThat(incarnations.open(session, 1, null)).isEmpty();
    }

    @Test
    void aResumedIncarnationKeepsItsPredecessorExchangeable() {
        String session = fixture.session(1);
        incarnations.open(session, 1, null);
        exchange(session, 1, "n1", session + "x");
        incarnations.freeze(session, 1);
        incarnations.open(session, 2, 1);
        assertThat(incarnations.find(session, 1).orElseThrow().state()).isEqualTo("frozen");
        assertThat(incarnations.resumerOf(session, 1))
                .hasValueSatisfying(row -> assertThat(row.number()).isEqualTo(2));
        incarnations.closeUpTo(session, 2);
        assertThat(incarnations.resumerOf(session, 1)).isEmpty();
    }

    @Test
    void unchangedFilesMakeNoNewVersion() {
        String session = fixture.session(1);
        List<Workspace.Entry> files = List.of(new Workspace.Entry("a.txt", 1, "00"));
        assertThat(workspace.store(session, files)).isEqualTo(1);
        assertThat(workspace.store(session, files)).isEqualTo(1);
        assertThat(workspace.store(session, List.of())).isEqualTo(2);
        assertThat(workspace.files(session)).isEmpty();
    }

    @Test
    void aRepeatedRequestGetsItsAnswerAndAnotherOneIsRefused() {
        String session = fixture.session(1);
        String tenant = sessions.find(session).orElseThrow().tenantId();
        byte[] request = "a".getBytes(StandardCharsets.UTF_8);
        Instant longAgo = Instant.now().minusSeconds(60);
        assertThat(idempotencyKeys.claim(tenant, "k", request, longAgo))
                .isInstanceOf(IdempotencyKeys.Claim.Fresh.class);
        assertThat(idempotencyKeys.claim(tenant, "k", request, longAgo))
                .isInstanceOf(IdempotencyKeys.Claim.InFlight.class);
        idempotencyKeys.answer(tenant, "k", 201, "{}");
        assertThat(idempotencyKeys.claim(tenant, "k", request, longAgo))
                .isEqualTo(new IdempotencyKeys.Claim.Answered(201, "{}"));
        assertThat(idempotencyKeys.claim(tenant, "k", new byte[0], longAgo))
                .isInstanceOf(IdempotencyKeys.Claim.Mismatch.class);
    }

    @Test
    void controlPlanesThatStartTogetherPublishTheirModelsOneAfterTheOther() throws Exception {
        List<Models.ModelRow> first = List.of(new Models.ModelRow("m", "p", true, false, 1, 2, 3));
        List<Models.ModelRow> second = List.of(new Models.ModelRow("m", "p", true, false, 4, 5, 6));
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> other = transactions.execute(ignored -> {
                models.publish(first);
                Future<?> waiting = threads.submit(() -> models.publish(second));
                Awaitility.await().until(fixture::somebodyWaitsForALock);
                return waiting;
            });
            Objects.requireNonNull(other).get();
        }
        assertThat(models.list()).isEqualTo(second);
    }

    @Test
    void serversThatStartTogetherAgreeOnTheirFirstKey() throws Exception {
        int servers = 4;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int key = 0; key < 200; key++) {
                String id = "key_" + key;
                String tenant = "ten_" + key;
                CyclicBarrier start = new CyclicBarrier(servers);
                Callable<Void> server = () -> {
                    start.await();
                    apiKeys.ensureTenant(tenant, "Together");
                    apiKeys.ensureKey(id, tenant, "bootstrap", id.getBytes(StandardCharsets.UTF_8));
                    return null;
                };
                for (Future<Void> started : threads.invokeAll(Collections.nCopies(servers, server))) {
                    started.get();
                }
                assertThat(apiKeys.tenantOf(id.getBytes(StandardCharsets.UTF_8)))
                        .contains(tenant);
            }
        }
    }

    private boolean exchange(String session, int number, String nonce, String token) {
        return incarnations.exchange(
                session,
                number,
                nonce,
                token.getBytes(StandardCharsets.UTF_8),
                Duration.ofSeconds(60),
                "plain",
                "1",
                "[]");
    }
}
