package dev.skerry.activities.provider;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/** One configured metro and what this worker learned of its health: three failures in a row open its circuit for 30 s. */
public final class Metro {
    private static final int FAILURES_TO_OPEN = 3;
    private static final Duration OPEN_FOR = Duration.ofSeconds(30);

    private final String code;
    private final int weight;
    private final SandboxProvider provider;
    private final Clock clock;
    private int failures;
    private Instant lastFailure = Instant.EPOCH;

    public Metro(String code, int weight, SandboxProvider provider, Clock clock) {
        this.code = code;
        this.weight = weight;
        this.provider = provider;
        this.clock = clock;
    }

    public String code() {
        return code;
    }

    public int weight() {
        return weight;
    }

    public SandboxProvider provider() {
        return provider;
    }

    public synchronized boolean healthy() {
        return failures < FAILURES_TO_OPEN || clock.instant().isAfter(lastFailure.plus(OPEN_FOR));
    }

    synchronized void succeeded() {
        failures = 0;
    }

    synchronized void failed() {
        failures++;
        lastFailure = clock.instant();
    }
}
