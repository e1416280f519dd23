package dev.skerry.session;

import org.jspecify.annotations.Nullable;

/**
 * A change of a session's state, decided by its workflow. It rides on the activity that brings it about, which reports it when it is
 * true, so that a change of state costs no call of its own.
 *
 * @param number counts up within the session, for exactly-once effect; it is never below the clock's milliseconds, so that it goes on
 *     counting up after the workflow was reset to an earlier moment
 * @param tookMillis how long what led to this state took, null when nothing did
 */
public record Transition(
        SessionId session,
        long number,
        Status status,
        @Nullable Reason reason,
        int incarnation,
        @Nullable Box box,
        @Nullable Long tookMillis) {

    /** The next one, to the same VM. */
    public Transition then(Status next) {
        return new Transition(session, number + 1, next, reason, incarnation, box, null);
    }

    public Transition took(long millis) {
        return new Transition(session, number, status, reason, incarnation, box, millis);
    }

    /** The VM that this is about. */
    public Box vm() {
        if (box == null) {
            throw new IllegalStateException("there is no VM in state " + status);
        }
        return box;
    }
}
