package dev.skerry.activities.provider;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One configured metro and what this worker learned of its health: three failures in a row open its circuit for 30 s. */
public final class Metro {
    private static final Logger log = LoggerFactory.getLogger(Metro.class);
    private static final Duration ROOM_PATIENCE = Duration.ofSeconds(1);
    private static final Duration ROOM_IS_FRESH = Duration.ofSeconds(5);
    private static final int FAILURES_TO_OPEN = 3;
    private static final Duration OPEN_FOR = Duration.ofSeconds(30);

    private final String code;
    private final int weight;
    private final SandboxProvider provider;
    private final Clock clock;
    private final Object roomLock = new Object();
    private Instant roomRead = Instant.EPOCH;
    private @Nullable Integer room;
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

    /** How many more sandboxes fit, as it was at most five seconds ago; null when the provider cannot say. */
    public @Nullable Integer room() {
        synchronized (roomLock) {
            if (clock.instant().isAfter(roomRead.plus(ROOM_IS_FRESH))) {
                roomRead = clock.instant();
                room = readRoom();
            }
            return room;
        }
    }

    /** Asked in passing: a metro that is slow to say so must not hold up the others. */
    private @Nullable Integer readRoom() {
        CompletableFuture<OptionalInt> asked = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                asked.complete(provider.room());
            } catch (ProviderException | RuntimeException e) {
                asked.completeExceptionally(e);
            }
        });
        try {
            OptionalInt left = asked.get(ROOM_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return left.isPresent() ? left.getAsInt() : null;
        } catch (ExecutionException | TimeoutException e) {
            log.warn("the quotas of metro {} are unknown: {}", code, e.getMessage());
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
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
