package dev.skerry.activities.unikraft;

import dev.skerry.activities.provider.ProviderException;
import java.time.Duration;

/** Waiting in steps that double, up to a deadline: quick where the metro is quick, and no burden where it is not. */
final class Patience {
    private static final Duration FIRST_STEP = Duration.ofMillis(20);
    private static final Duration LONGEST_STEP = Duration.ofSeconds(1);

    private final long deadline;
    private final Runnable alive;
    private Duration step = FIRST_STEP;

    Patience(Duration most, Runnable alive) {
        this.deadline = System.nanoTime() + most.toNanos();
        this.alive = alive;
    }

    boolean over() {
        return System.nanoTime() - deadline >= 0;
    }

    void step() throws ProviderException {
        alive.run();
        pause(step);
        step = step.multipliedBy(2).compareTo(LONGEST_STEP) > 0 ? LONGEST_STEP : step.multipliedBy(2);
    }

    static void pause(Duration step) throws ProviderException {
        try {
            Thread.sleep(step);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProviderException.Unknown("Interrupted while waiting for the metro.", e);
        }
    }
}
