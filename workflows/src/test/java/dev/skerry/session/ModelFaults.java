package dev.skerry.session;

import io.temporal.failure.ApplicationFailure;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Makes a session's calls fail before or after they had their effect, and take their time. */
final class ModelFaults {
    private final Map<String, Queue<Fault>> planned = new ConcurrentHashMap<>();

    /** What a session asks of others. */
    enum Verb {
        PROVISION,
        SUSPEND,
        RESUME,
        DESTROY,
        RUN_TURN,
        CANCEL_TURN,
        END_TURN,
        CLOSE,
        REPORT,
        STOP,
        SETTLE
    }

    /**
     * One failure to come.
     *
     * @param after whether the call has its effect all the same
     * @param type of a failure that is final, null for one that is worth another attempt
     */
    record Fault(Verb verb, boolean after, @Nullable String type) {
        RuntimeException failure() {
            return type == null
                    ? ApplicationFailure.newFailure("broken", "broken")
                    : ApplicationFailure.newNonRetryableFailure("refused: " + verb, type);
        }
    }

    void plan(SessionId session, Fault fault) {
        queue(session, fault.verb()).add(fault);
    }

    void forget() {
        planned.clear();
    }

    void perform(SessionId session, Verb verb, Runnable effect) {
        Fault fault = queue(session, verb).poll();
        if (fault != null && !fault.after()) {
            throw fault.failure();
        }
        effect.run();
        if (fault != null) {
            throw fault.failure();
        }
    }

    /** A few milliseconds, different from call to call and the same in every game. */
    static void takeTime(SessionId session, Verb verb, int salt) {
        last(Math.floorMod(31 * (31 * session.hashCode() + verb.ordinal()) + salt, 12));
    }

    static void last(int millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ApplicationFailure.newFailure("interrupted", "broken");
        }
    }

    private Queue<Fault> queue(SessionId session, Verb verb) {
        return planned.computeIfAbsent(session + " " + verb, key -> new ConcurrentLinkedQueue<>());
    }
}
