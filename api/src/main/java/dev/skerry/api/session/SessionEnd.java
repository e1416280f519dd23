package dev.skerry.api.session;

import dev.skerry.api.turn.TurnLog;
import dev.skerry.api.workflow.SteeringException;
import dev.skerry.api.workflow.Workflows;
import dev.skerry.session.Reason;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.Events;
import dev.skerry.store.Incarnations;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.math.BigDecimal;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/**
 * Ends a session at its owner's wish.
 *
 * <p>The workflow does that. Only when there is none and the row does not say so, because it was never started, or was ended by force,
 * or because Temporal lost it, is the row closed from here: then nobody else writes it. Tokens are revoked at once; a VM that is left is
 * the reaper's.
 */
@Component
class SessionEnd {
    private static final Reason DELETED = new Reason("deleted", "Deleted by its owner.");
    private static final long LAST_TRANSITION = Long.MAX_VALUE;

    private final Workflows workflows;
    private final Sessions sessions;
    private final Incarnations incarnations;
    private final Turns turns;
    private final TurnLog turnLog;
    private final Events events;
    private final JsonMapper json;
    private final TransactionTemplate transaction;

    SessionEnd(
            Workflows workflows,
            Sessions sessions,
            Incarnations incarnations,
            Turns turns,
            TurnLog turnLog,
            Events events,
            JsonMapper json,
            TransactionTemplate transaction) {
        this.workflows = workflows;
        this.sessions = sessions;
        this.incarnations = incarnations;
        this.turns = turns;
        this.turnLog = turnLog;
        this.events = events;
        this.json = json;
        this.transaction = transaction;
    }

    private record Terminated(Reason reason, long durationMs, BigDecimal costUsd) {}

    /** A session may say that it is ending or over though its workflow has forgotten, so that is asked again. */
    void delete(SessionRow session) {
        try {
            if (session.ending()) {
                workflows.cancel(session.id());
            } else {
                workflows.terminate(session.id(), DELETED);
            }
        } catch (SteeringException.Gone e) {
            transaction.executeWithoutResult(status -> close(session));
        }
    }

    private void close(SessionRow session) {
        if (!sessions.project(
                session.id(), LAST_TRANSITION, "terminated", DELETED.code(), DELETED.message(), null, null, null)) {
            return;
        }
        incarnations.closeUpTo(session.id(), Integer.MAX_VALUE);
        for (TurnRow turn : turns.list(session.id())) {
            if (!turn.over()) {
                turnLog.abandon(session.id(), turn.id(), TurnStatus.CANCELLED, DELETED);
            }
        }
        events.append(
                session.id(),
                "session.terminated",
                null,
                null,
                json.writeValueAsString(
                        new Terminated(DELETED, 0, dev.skerry.api.turn.UsageView.usd(session.spentNanoUsd()))));
    }
}
