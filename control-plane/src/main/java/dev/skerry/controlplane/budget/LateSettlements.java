package dev.skerry.controlplane.budget;

import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Settlements that the store could not take when they were due, tried again until it can. What a crash takes along is swept. */
@Component
class LateSettlements {
    private static final Logger log = LoggerFactory.getLogger(LateSettlements.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    private final ScheduledExecutorService clock =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());

    LateSettlements() {
        var _ = clock.scheduleWithFixedDelay(
                this::settle, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    void add(Runnable settlement) {
        waiting.add(settlement);
    }

    private void settle() {
        for (Runnable next = waiting.peek(); next != null; next = waiting.peek()) {
            try {
                next.run();
            } catch (RuntimeException e) {
                log.warn("{} model calls still wait to be settled: {}", waiting.size(), e.toString());
                return;
            }
            waiting.remove();
        }
    }

    @PreDestroy
    void stop() {
        clock.shutdownNow();
        settle();
    }
}
