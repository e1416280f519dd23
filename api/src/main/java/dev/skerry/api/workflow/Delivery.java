package dev.skerry.api.workflow;

import dev.skerry.session.TurnId;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Carries what the store has recorded to the workflow that acts on it; throws {@link SteeringException}. */
@Component
public class Delivery {
    private final Workflows workflows;
    private final Sessions sessions;
    private final Turns turns;

    Delivery(Workflows workflows, Sessions sessions, Turns turns) {
        this.workflows = workflows;
        this.sessions = sessions;
        this.turns = turns;
    }

    /** Starts the session's workflow unless it runs, and submits every turn that waits. */
    public void start(SessionRow session) {
        Iterator<TurnId> waiting = waiting(session).iterator();
        workflows.start(session, waiting.hasNext() ? Optional.of(waiting.next()) : Optional.empty());
        waiting.forEachRemaining(turn -> workflows.submit(session.id(), turn));
    }

    /** Submits every turn that waits to a workflow that runs. */
    public void submitWaiting(SessionRow session) {
        waiting(session).forEach(turn -> workflows.submit(session.id(), turn));
    }

    /** Submits one turn; a workflow that was never started, because Temporal was away, is started. */
    public void submit(SessionRow session, TurnId turn) {
        try {
            workflows.submit(session.id(), turn);
        } catch (SteeringException.Gone e) {
            if (sessions.find(session.id()).filter(SessionRow::unborn).isEmpty()) {
                throw e;
            }
            start(session);
        }
    }

    private List<TurnId> waiting(SessionRow session) {
        return turns.list(session.id()).stream()
                .filter(turn -> turn.status().equals("queued"))
                .map(TurnRow::id)
                .map(TurnId::new)
                .toList();
    }
}
