package dev.skerry.api.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.api.Abandoned;
import dev.skerry.api.TestingApi;
import dev.skerry.store.Events;
import dev.skerry.store.Sessions;
import dev.skerry.store.Turns;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SessionReconcilerTest {
    private final TestingApi api = TestingApi.shared();
    private final SessionReconciler reconciler = api.bean(SessionReconciler.class);

    @Test
    void startsASessionThatTemporalNeverHeardOfWithItsTurns() {
        Abandoned session = Abandoned.in(api, 2);
        reconciler.reconcile(Duration.ofSeconds(-5));
        assertThat(session.asked()).containsExactlyElementsOf(session.submissions());
        reconciler.reconcile(Duration.ofSeconds(-5));
        assertThat(session.asked()).hasSize(2);
    }

    @Test
    void submitsATurnThatASessionWithNothingToDoDoesNotKnow() {
        Abandoned session = Abandoned.in(api, 0);
        reconciler.reconcile(Duration.ofSeconds(-5));
        api.bean(Sessions.class).project(session.id(), 1, "idle", null, null, 1, null, null);
        session.leaveTurn();
        reconciler.reconcile(Duration.ofSeconds(-5));
        assertThat(session.asked()).containsExactlyElementsOf(session.submissions());
    }

    @Test
    void aSessionThatDoesNotAnswerKeepsNoOtherFromBeingServed() {
        Abandoned silent = Abandoned.in(api, 1);
        silent.stall();
        Abandoned other = Abandoned.in(api, 1);
        reconciler.reconcile(Duration.ofSeconds(-5));
        assertThat(silent.asked()).isEmpty();
        assertThat(other.asked()).containsExactlyElementsOf(other.submissions());
    }

    @Test
    void endsATurnThatWaitsThoughItsSessionHasEnded() {
        Abandoned session = Abandoned.in(api, 1);
        api.bean(Sessions.class).project(session.id(), 1, "terminated", "deleted", "Deleted.", null, null, null);
        reconciler.reconcile(Duration.ofMinutes(1));
        assertThat(api.bean(Turns.class).open(session.id())).hasSize(1);
        reconciler.reconcile(Duration.ofSeconds(-5));
        assertThat(api.bean(Turns.class).list(session.id())).singleElement().satisfies(turn -> {
            assertThat(turn.status()).isEqualTo("failed");
            assertThat(turn.reasonCode()).isEqualTo("session_ended");
        });
        assertThat(api.bean(Events.class).list(session.id(), 0, 10))
                .extracting(Events.EventRow::type)
                .containsExactly("turn.failed");
        assertThat(session.asked()).isEmpty();
    }

    @Test
    void tellsAWorkflowAgainThatItEndsWhenOnlyTheRecordSaysSo() {
        Abandoned session = Abandoned.in(api, 0);
        reconciler.reconcile(Duration.ofSeconds(-5));
        api.bean(Sessions.class).project(session.id(), 1, "terminating", "deleted", "Deleted.", 1, null, null);
        reconciler.reconcile(Duration.ofMinutes(1));
        assertThat(session.asked()).isEmpty();
        reconciler.reconcile(Duration.ofSeconds(-5));
        reconciler.reconcile(Duration.ofSeconds(-5));
        await().untilAsserted(() -> assertThat(session.asked()).containsExactly("cancelled"));
    }

    @Test
    void leavesYoungSessionsToWhoeverIsCreatingThem() {
        Abandoned session = Abandoned.in(api, 1);
        reconciler.reconcile(Duration.ofMinutes(1));
        assertThat(session.asked()).isEmpty();
    }
}
