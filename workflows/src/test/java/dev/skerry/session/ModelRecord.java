package dev.skerry.session;

import dev.skerry.session.ModelFaults.Verb;
import io.temporal.failure.ApplicationFailure;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** The control plane in memory: the only judge of what a turn came to, and the place where broken promises are written down. */
final class ModelRecord implements ControlActivities {
    private static final int SLOW_TURN_MILLIS = 150;

    final List<String> violations = new CopyOnWriteArrayList<>();

    private final Map<SessionId, Books> books = new ConcurrentHashMap<>();
    private final ModelFaults faults;
    private volatile @Nullable ModelCloud cloud;

    private static final class Books {
        final Map<TurnId, Turn> turns = new LinkedHashMap<>();
        final Map<Long, String> transitions = new LinkedHashMap<>();
        int closedUpTo;
        boolean born;
        boolean stopped;
        boolean settled;
        Instant livesUntil = Instant.MAX;
        long cap;
    }

    private static final class Turn {
        final boolean slow;
        boolean accepted;
        int givenTo;
        boolean cancelAsked;

        @Nullable
        TurnStatus end;

        Turn(boolean slow) {
            this.slow = slow;
        }
    }

    ModelRecord(ModelFaults faults) {
        this.faults = faults;
    }

    void sees(ModelCloud provider) {
        cloud = provider;
    }

    synchronized void demand(boolean holds, SessionId session, String otherwise) {
        if (!holds) {
            violations.add(session + ": " + otherwise);
        }
    }

    private Books of(SessionId session) {
        return books.computeIfAbsent(session, id -> new Books());
    }

    /** Stores a message, as the api does before it tells the workflow. */
    synchronized void queue(SessionId session, TurnId turn, boolean slow) {
        of(session).turns.put(turn, new Turn(slow));
    }

    synchronized void accepted(SessionId session, TurnId turn) {
        of(session).turns.get(turn).accepted = true;
    }

    /** The api's part when the workflow refuses a message. */
    synchronized void refused(SessionId session, TurnId turn) {
        finish(of(session).turns.get(turn), TurnStatus.FAILED);
    }

    synchronized boolean stopped(SessionId session) {
        return of(session).stopped;
    }

    /** From when on its lifetime may be over. */
    synchronized void livesUntil(SessionId session, Instant end) {
        of(session).livesUntil = end;
    }

    synchronized boolean settled(SessionId session) {
        return of(session).settled;
    }

    synchronized boolean born(SessionId session) {
        return of(session).born;
    }

    synchronized long cap(SessionId session) {
        return of(session).cap;
    }

    /** How many turns are not over yet. */
    synchronized long open(SessionId session) {
        return of(session).turns.values().stream()
                .filter(turn -> turn.end == null)
                .count();
    }

    synchronized void revoke(SessionId session, int incarnation) {
        Books of = of(session);
        of.closedUpTo = Math.max(of.closedUpTo, incarnation);
    }

    /** The fence: an incarnation boots once, after all before it lost their tokens. */
    synchronized void boots(SessionId session, int incarnation) {
        Books of = of(session);
        if (of.closedUpTo >= incarnation || of.stopped) {
            throw ApplicationFailure.newNonRetryableFailure("a newer one exists", FailureTypes.SUPERSEDED);
        }
        demand(
                of.closedUpTo == incarnation - 1,
                session,
                "incarnation " + incarnation + " boots while only those up to " + of.closedUpTo + " are revoked");
    }

    synchronized void project(Transition transition) {
        String now = transition.status() + " " + transition.incarnation();
        String before = of(transition.session()).transitions.put(transition.number(), now);
        demand(
                before == null || before.equals(now),
                transition.session(),
                "two changes of state have number " + transition.number() + ": " + before + ", " + now);
        if (transition.status() == Status.HARDENING) {
            of(transition.session()).born = true;
        }
    }

    @Override
    public List<MetroView> metros() {
        return List.of(new MetroView("local", "model", true, 1, null), new MetroView("other", "model", true, 1, null));
    }

    @Override
    public TurnOutcome runTurn(Transition running, TurnId id) {
        project(running);
        SessionId session = running.session();
        boolean slow = begin(session, running.incarnation(), id);
        if (!slow) {
            ModelFaults.takeTime(session, Verb.RUN_TURN, id.hashCode());
        }
        for (int waited = 0; slow && waited < SLOW_TURN_MILLIS && !cancelAsked(session, id); waited += 5) {
            ModelFaults.last(5);
        }
        faults.perform(session, Verb.RUN_TURN, () -> outcome(running, id));
        return over(session, id);
    }

    private synchronized boolean begin(SessionId session, int incarnation, TurnId id) {
        Books of = of(session);
        Turn turn = of.turns.get(id);
        if (turn == null) {
            throw ApplicationFailure.newNonRetryableFailure("no such turn", FailureTypes.NOT_FOUND);
        }
        if (of.closedUpTo >= incarnation) {
            throw ApplicationFailure.newNonRetryableFailure("revoked", FailureTypes.SANDBOX_LOST);
        }
        for (Map.Entry<TurnId, Turn> other : of.turns.entrySet()) {
            if (other.getKey().equals(id)) {
                break;
            }
            demand(
                    !other.getValue().accepted || other.getValue().end != null,
                    session,
                    id + " is given before " + other.getKey() + " is over");
        }
        demand(
                turn.givenTo <= incarnation,
                session,
                id + " is given to incarnation " + incarnation + " after " + turn.givenTo);
        turn.givenTo = incarnation;
        return turn.slow && turn.end == null;
    }

    private synchronized boolean cancelAsked(SessionId session, TurnId id) {
        return of(session).turns.get(id).cancelAsked;
    }

    private synchronized void outcome(Transition running, TurnId id) {
        Books of = of(running.session());
        Turn turn = of.turns.get(id);
        if (turn.end == null) {
            boolean alive = cloud == null || cloud.runs(running.vm().name());
            if (of.closedUpTo >= running.incarnation() || !alive) {
                throw ApplicationFailure.newNonRetryableFailure("died", FailureTypes.SANDBOX_LOST);
            }
            turn.end = turn.cancelAsked ? TurnStatus.CANCELLED : TurnStatus.COMPLETED;
        }
    }

    private synchronized TurnOutcome over(SessionId session, TurnId id) {
        TurnStatus end = of(session).turns.get(id).end;
        return new TurnOutcome(end == null ? TurnStatus.FAILED : end, null);
    }

    @Override
    public void cancelTurn(SessionId session, TurnId turn) {
        faults.perform(session, Verb.CANCEL_TURN, () -> cancel(session, turn));
    }

    private synchronized void cancel(SessionId session, TurnId turn) {
        of(session).turns.get(turn).cancelAsked = true;
    }

    @Override
    public void endTurn(SessionId session, TurnId turn, TurnStatus status, Reason reason) {
        faults.perform(session, Verb.END_TURN, () -> end(session, turn, status));
    }

    private synchronized void end(SessionId session, TurnId turn, TurnStatus status) {
        finish(of(session).turns.get(turn), status);
    }

    private static void finish(Turn turn, TurnStatus status) {
        if (turn.end == null) {
            turn.end = status;
        }
    }

    @Override
    public void closeIncarnation(SessionId session, int incarnation) {
        faults.perform(session, Verb.CLOSE, () -> revoke(session, incarnation));
    }

    @Override
    public void report(Transition transition) {
        faults.perform(transition.session(), Verb.REPORT, () -> project(transition));
    }

    @Override
    public synchronized void raiseBudget(SessionId session, Money cap) {
        of(session).cap = cap.nanoUsd();
    }

    @Override
    public void stop(Transition terminating, TurnStatus turns, Reason reason) {
        faults.perform(terminating.session(), Verb.STOP, () -> close(terminating, turns));
    }

    private synchronized void close(Transition terminating, TurnStatus how) {
        project(terminating);
        Books of = of(terminating.session());
        of.stopped = true;
        of.closedUpTo = Integer.MAX_VALUE;
        of.turns.values().forEach(turn -> finish(turn, how));
    }

    @Override
    public void settle(Transition ended) {
        faults.perform(ended.session(), Verb.SETTLE, () -> settled(ended));
    }

    private synchronized void settled(Transition ended) {
        project(ended);
        Reason why = ended.reason();
        demand(
                why == null
                        || !why.code().equals("lifetime_over")
                        || !Instant.now().isBefore(of(ended.session()).livesUntil),
                ended.session(),
                "its lifetime was over before " + of(ended.session()).livesUntil);
        of(ended.session()).settled = true;
    }
}
