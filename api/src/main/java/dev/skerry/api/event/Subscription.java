package dev.skerry.api.event;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * What one reader of a stream has to do next, in the order in which it happened.
 *
 * <p>Bounded: "look into the log" says all there is to say about durable events, however many there are; of the deltas, those that a
 * slow reader has no room for are dropped.
 */
final class Subscription {
    private static final int MAX_DELTAS = 256;

    private final ArrayDeque<Step> steps = new ArrayDeque<>();
    private int deltas;
    private boolean closed;

    /** One thing to do. */
    sealed interface Step {
        /** Read the log from where you are. */
        record Look() implements Step {}

        /** Pass this on. */
        record Pass(Delta delta) implements Step {}

        /** Leave. */
        record Stop() implements Step {}
    }

    synchronized void look() {
        if (!(steps.peekLast() instanceof Step.Look)) {
            steps.addLast(new Step.Look());
            notifyAll();
        }
    }

    synchronized void pass(Delta delta) {
        if (deltas < MAX_DELTAS) {
            deltas++;
            steps.addLast(new Step.Pass(delta));
            notifyAll();
        }
    }

    synchronized void close() {
        closed = true;
        notifyAll();
    }

    /** Everything to do now; empty when there was nothing for {@code patience}. */
    synchronized List<Step> await(Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (steps.isEmpty() && !closed) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return List.of();
            }
            wait(left / 1_000_000, (int) (left % 1_000_000));
        }
        if (closed) {
            return List.of(new Step.Stop());
        }
        List<Step> taken = new ArrayList<>(steps);
        steps.clear();
        deltas = 0;
        return taken;
    }
}
