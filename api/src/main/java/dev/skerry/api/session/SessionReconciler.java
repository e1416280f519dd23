package dev.skerry.api.session;

import dev.skerry.api.turn.TurnLog;
import dev.skerry.api.workflow.Delivery;
import dev.skerry.api.workflow.SteeringException;
import dev.skerry.api.workflow.Workflows;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/**
 * Finishes what a crash or an outage left between the store and Temporal.
 *
 * <p>A session and a message are recorded before Temporal hears of them, because the opposite order would lose what was said. A
 * process that dies in between leaves a session that nobody runs, or a turn that nobody works on, and its client may be gone too. The
 * other way round, a Temporal that dies may forget that a session ends after its record says so. A session that cannot be helped now
 * keeps no other waiting. Everything done here may be repeated, so replicas need no agreement on who does it.
 */
@Component
class SessionReconciler {
    private static final Logger log = LoggerFactory.getLogger(SessionReconciler.class);
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final int PAGE = 100;

    private final Sessions sessions;
    private final Turns turns;
    private final TurnLog turnLog;
    private final Workflows workflows;
    private final Delivery delivery;
    private final Clock clock;

    SessionReconciler(
            Sessions sessions, Turns turns, TurnLog turnLog, Workflows workflows, Delivery delivery, Clock clock) {
        this.sessions = sessions;
        this.turns = turns;
        this.turnLog = turnLog;
        this.workflows = workflows;
        this.delivery = delivery;
        this.clock = clock;
    }

    @Scheduled(fixedDelay = 30, initialDelay = 15, timeUnit = TimeUnit.SECONDS)
    void reconcile() {
        try {
            reconcile(PATIENCE);
        } catch (DataAccessException e) {
            log.warn("could not look after neglected sessions, will try again: {}", e.getMessage());
        }
    }

    void reconcile(Duration patience) {
        Instant since = clock.instant().minus(patience);
        endStrandedTurns(since);
        each(after -> sessions.neglected(since, after, PAGE), this::deliver);
        each(after -> sessions.terminating(since, after, PAGE), session -> workflows.cancel(session.id()));
    }

    private static void each(Function<String, List<SessionRow>> pageAfter, Consumer<SessionRow> help) {
        String after = "";
        List<SessionRow> page;
        do {
            page = pageAfter.apply(after);
            for (SessionRow session : page) {
                tried(session, help);
                after = session.id();
            }
        } while (page.size() == PAGE);
    }

    private static void tried(SessionRow session, Consumer<SessionRow> help) {
        try {
            help.accept(session);
        } catch (SteeringException.Gone | SteeringException.Refused | SteeringException.Busy e) {
            log.warn("{} cannot be helped from here: {}", session.id(), e.getMessage());
        } catch (SteeringException.Away e) {
            log.warn("{} cannot be helped now, will try again: {}", session.id(), e.getMessage());
        }
    }

    private void endStrandedTurns(Instant since) {
        List<TurnRow> page;
        do {
            page = turns.stranded(since, PAGE);
            for (TurnRow turn : page) {
                turnLog.abandon(turn.sessionId(), turn.id(), TurnStatus.FAILED, TurnLog.SESSION_ENDED);
                log.info("ended {}, which outlived {}", turn.id(), turn.sessionId());
            }
        } while (page.size() == PAGE);
    }

    private void deliver(SessionRow session) {
        if (!session.unborn()) {
            delivery.submitWaiting(session);
        } else if (!workflows.exists(session.id())) {
            delivery.start(session);
            log.info("started {}, which Temporal had not heard of", session.id());
        }
    }
}
