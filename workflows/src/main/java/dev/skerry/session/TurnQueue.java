package dev.skerry.session;

import io.temporal.failure.ApplicationFailure;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The turns that wait, in the order in which they were accepted, each accepted once. */
final class TurnQueue {
    private static final int REMEMBERED = 2_000;

    private final Deque<TurnId> waiting;
    private final Set<TurnId> accepted;
    private final Set<TurnId> cancelled;

    TurnQueue(SessionState state) {
        waiting = new ArrayDeque<>(state.waiting());
        accepted = new LinkedHashSet<>(state.accepted());
        cancelled = new HashSet<>(state.cancelled());
    }

    /** Refuses what cannot be queued; what was accepted before never is. */
    void validate(@Nullable TurnId turn, boolean ending) {
        if (turn == null) {
            throw refused(FailureTypes.INVALID, "Name the turn: 'trn_' and 26 characters.");
        }
        if (accepted.contains(turn)) {
            return;
        }
        if (ending) {
            throw refused(FailureTypes.SESSION_ENDED, "The session is ending.");
        }
        if (waiting.size() >= AgentSessionWorkflow.MOST_WAITING) {
            throw refused(
                    FailureTypes.TOO_MANY_WAITING,
                    "Too many turns wait: at most " + AgentSessionWorkflow.MOST_WAITING + ". Try again later.");
        }
    }

    void accept(TurnId turn) {
        if (accepted.add(turn)) {
            waiting.add(turn);
            if (accepted.size() > REMEMBERED) {
                accepted.remove(accepted.iterator().next());
            }
        }
    }

    void cancel(TurnId turn) {
        cancelled.add(turn);
    }

    void cancelNext() {
        if (!waiting.isEmpty()) {
            cancelled.add(waiting.getFirst());
        }
    }

    boolean cancelAsked(TurnId turn) {
        return cancelled.contains(turn);
    }

    /** Answers whether the turn was to be cancelled, and forgets it. */
    boolean takeCancel(TurnId turn) {
        return cancelled.remove(turn);
    }

    TurnId next() {
        TurnId next = waiting.remove();
        cancelled.removeIf(turn -> !turn.equals(next) && !waiting.contains(turn));
        return next;
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    int size() {
        return waiting.size();
    }

    void clear() {
        waiting.clear();
    }

    List<TurnId> waiting() {
        return List.copyOf(waiting);
    }

    List<TurnId> accepted() {
        return List.copyOf(accepted);
    }

    List<TurnId> cancelled() {
        return sorted(cancelled);
    }

    private static List<TurnId> sorted(Collection<TurnId> turns) {
        return turns.stream()
                .sorted(java.util.Comparator.comparing(TurnId::value))
                .toList();
    }

    private static ApplicationFailure refused(String type, String message) {
        return ApplicationFailure.newNonRetryableFailure(message, type);
    }
}
