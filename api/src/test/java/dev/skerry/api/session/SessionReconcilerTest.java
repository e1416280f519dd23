package dev.skerry.api.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.api.Abandoned;
import dev.skerry.api.TestingApi;
import dev.skerry.store.Sessions;
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
    void leavesYoungSessionsToWhoeverIsCreatingThem() {
        Abandoned session = Abandoned.in(api, 1);
        reconciler.reconcile(Duration.ofMinutes(1));
        assertThat(session.asked()).isEmpty();
    }
}
