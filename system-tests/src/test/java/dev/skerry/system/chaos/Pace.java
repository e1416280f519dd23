package dev.skerry.system.chaos;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** How long people and accidents take. */
final class Pace {
    private Pace() {}

    static void pause(Duration duration) {
        long end = System.nanoTime() + duration.toNanos();
        for (long rest = duration.toNanos(); rest > 0; rest = end - System.nanoTime()) {
            LockSupport.parkNanos(rest);
        }
    }
}
