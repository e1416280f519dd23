package dev.skerry.controlplane.budget;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Settlements that the store could not take when they were due, tried again until it can. What a crash takes along is swept. */
@Component
class LateSettlements {
    private static final Logger log = LoggerFactory.getLogger(LateSettlements.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** A statement whose sender stopped listening may still wait for a lock; more than one such wait is not likely. */
    private static final Duration APPEARS_WITHIN = Duration.ofMinutes(5);

    private final Queue<BooleanSupplier> waiting = new ConcurrentLinkedQueue<>();
    private final ScheduledExecutorService clock =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());

    @PostConstruct
    void begin() {
        var _ = clock.scheduleWithFixedDelay(
                this::settle, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    void add(Runnable settlement) {
        waiting.add(() -> {
            settlement.run();
            return true;
        });
    }

    /** Of a reservation that may not be there yet: {@code settlement} answers whether it found it, and is tried until it does, for a while. */
    void addOnceItAppears(BooleanSupplier settlement) {
        long since = System.nanoTime();
        waiting.add(() -> settlement.getAsBoolean() || System.nanoTime() - since > APPEARS_WITHIN.toNanos());
    }

    void settle() {
        waiting.removeIf(LateSettlements::settled);
    }

    private static boolean settled(BooleanSupplier settlement) {
        try {
            return settlement.getAsBoolean();
        } catch (RuntimeException e) {
            log.warn("a model call still waits to be settled: {}", e.toString());
            return false;
        }
    }

    @PreDestroy
    void stop() {
        clock.shutdownNow();
        settle();
    }
}
