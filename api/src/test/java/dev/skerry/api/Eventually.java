package dev.skerry.api;

import java.time.Duration;
import java.util.function.Supplier;

/** Waits for what other threads do, at most ten seconds. */
public final class Eventually {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Eventually() {}

    /** The first value that is not null. */
    public static <T> T value(Supplier<T> supplier) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            T value = supplier.get();
            if (value != null) {
                return value;
            }
            java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
        }
        throw new AssertionError("It did not happen within " + PATIENCE.toSeconds() + " seconds.");
    }

    public static void happens(Supplier<Boolean> condition) {
        value(() -> condition.get() ? true : null);
    }
}
