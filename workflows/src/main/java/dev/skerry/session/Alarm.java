package dev.skerry.session;

import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.Promise;
import io.temporal.workflow.TimerOptions;
import io.temporal.workflow.Workflow;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One timer that slides: waiting again for a later moment starts no new timer, so that history stays small. */
final class Alarm {
    private @Nullable Promise<Void> timer;
    private @Nullable CancellationScope scope;
    private Instant firesAt = Instant.MAX;

    /** Waits for the condition until the deadline; answers whether it came true in time. */
    boolean await(Instant deadline, String summary, Supplier<Boolean> condition) {
        while (!condition.get()) {
            Duration rest = Duration.between(now(), deadline);
            if (rest.isNegative() || rest.isZero()) {
                return false;
            }
            Promise<Void> armed = arm(deadline, rest, summary);
            Workflow.await(() -> condition.get() || armed.isCompleted());
        }
        return true;
    }

    private Promise<Void> arm(Instant deadline, Duration rest, String summary) {
        if (timer != null && !timer.isCompleted() && !firesAt.isAfter(deadline)) {
            return timer;
        }
        disarm();
        firesAt = deadline;
        scope = Workflow.newCancellationScope(() -> timer = Workflow.newTimer(
                rest, TimerOptions.newBuilder().setSummary(summary).build()));
        scope.run();
        return java.util.Objects.requireNonNull(timer);
    }

    void disarm() {
        if (scope != null && timer != null && !timer.isCompleted()) {
            scope.cancel();
        }
        timer = null;
        scope = null;
    }

    static Instant now() {
        return Instant.ofEpochMilli(Workflow.currentTimeMillis());
    }
}
