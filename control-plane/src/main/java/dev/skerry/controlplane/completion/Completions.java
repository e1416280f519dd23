package dev.skerry.controlplane.completion;

import dev.skerry.session.TurnOutcome;
import io.micrometer.core.instrument.MeterRegistry;
import io.temporal.client.ActivityCanceledException;
import io.temporal.client.ActivityCompletionClient;
import io.temporal.client.ActivityCompletionException;
import io.temporal.client.ActivityNotExistsException;
import io.temporal.client.WorkflowClient;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Tells Temporal what its waiting activities wait for.
 *
 * <p>Nothing depends on it: whatever is told here is in the store before, and a worker that asks again finds it there. So a failure is
 * retried a few times, logged once, and tolerated.
 */
@Component
public class Completions {
    private static final Logger log = LoggerFactory.getLogger(Completions.class);
    private static final int ATTEMPTS = 5;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final long LAST_WORDS_SECONDS = 5;

    private final ActivityCompletionClient client;
    private final MeterRegistry meters;
    private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();

    Completions(WorkflowClient workflows, MeterRegistry meters) {
        this.client = workflows.newActivityCompletionClient();
        this.meters = meters;
    }

    /** What a heartbeat was answered. */
    public enum Pulse {
        WANTED,
        /** The activity was cancelled or is over: nobody waits for it any more. */
        UNWANTED,
        /** Temporal did not say. */
        UNKNOWN
    }

    public void turnOver(byte[] taskToken, TurnOutcome outcome) {
        inBackground("turn", () -> client.complete(taskToken, outcome));
    }

    public Pulse heartbeat(byte[] taskToken) {
        try {
            timed("heartbeat", () -> client.heartbeat(taskToken, null));
            return Pulse.WANTED;
        } catch (ActivityCompletionException e) {
            return ended(e) ? Pulse.UNWANTED : Pulse.UNKNOWN;
        }
    }

    private static boolean ended(ActivityCompletionException e) {
        return e instanceof ActivityNotExistsException
                || e instanceof ActivityCanceledException
                || e.getCause() instanceof ActivityCanceledException
                || e.getCause() instanceof ActivityNotExistsException;
    }

    private void inBackground(String operation, Runnable call) {
        try {
            background.execute(() -> retried(operation, call));
        } catch (RejectedExecutionException e) {
            log.info("shutting down: a {} was not told to Temporal, its worker will ask", operation);
        }
    }

    private void retried(String operation, Runnable call) {
        Duration pause = FIRST_PAUSE;
        for (int attempt = 1; ; attempt++) {
            try {
                timed(operation, call);
                return;
            } catch (ActivityCompletionException e) {
                if (ended(e)) {
                    log.debug("nobody waits for this {} any more", operation);
                    return;
                }
                if (attempt == ATTEMPTS) {
                    log.warn("could not tell Temporal about a {}, its worker will ask: {}", operation, e.toString());
                    return;
                }
            }
            try {
                Thread.sleep(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            pause = pause.multipliedBy(2);
        }
    }

    private void timed(String operation, Runnable call) {
        String outcome = "failed";
        long start = System.nanoTime();
        try {
            call.run();
            outcome = "ok";
        } finally {
            meters.timer("skerry.temporal.complete", "operation", operation, "outcome", outcome)
                    .record(Duration.ofNanos(System.nanoTime() - start));
        }
    }

    @PreDestroy
    void stop() throws InterruptedException {
        background.shutdown();
        if (!background.awaitTermination(LAST_WORDS_SECONDS, TimeUnit.SECONDS)) {
            background.shutdownNow();
        }
    }
}
