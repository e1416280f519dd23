package dev.skerry.controlplane.budget;

import dev.skerry.session.Ulid;
import dev.skerry.store.Ledger;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** Tells the other control planes that this one is up, so that they leave its reservations alone, and knows whom it may judge. */
@Component
public class Presence {
    static final Duration SILENCE = Duration.ofSeconds(10);
    private static final Logger log = LoggerFactory.getLogger(Presence.class);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    private static final Duration DELAY = Duration.ofSeconds(4);

    private final Ledger ledger;
    private final String id;
    private final ScheduledExecutorService clock =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());
    private volatile long steadySince = System.nanoTime();
    private volatile long lastBeat = System.nanoTime();
    private volatile boolean listening;

    Presence(Ledger ledger, Ulid ids) {
        this.ledger = ledger;
        this.id = "cp_" + ids.next();
    }

    /** What this control plane's reservations are marked with. */
    String id() {
        return id;
    }

    /**
     * Whether this process has listened, and has reached the store without a delay worth mentioning, for long enough to judge others by their
     * silence: who calls a control plane that is away, or whose store stands still, is not heard. Sandboxes call again within seven seconds.
     */
    public boolean steady() {
        long now = System.nanoTime();
        return listening && now - steadySince > SILENCE.toNanos() && now - lastBeat < DELAY.toNanos();
    }

    @PostConstruct
    void begin() {
        ledger.beat(id);
        var _ = clock.scheduleWithFixedDelay(
                this::beat, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    @EventListener(ApplicationReadyEvent.class)
    void listen() {
        steadySince = System.nanoTime();
        listening = true;
    }

    private void beat() {
        long begun = System.nanoTime();
        try {
            Duration sinceLast = ledger.beat(id);
            if (sinceLast.compareTo(DELAY) > 0) {
                steadySince = System.nanoTime();
                log.warn(
                        "the store heard only after {} ms that this control plane is up: judging nobody for {} s",
                        sinceLast.toMillis(),
                        SILENCE.toSeconds());
            }
            lastBeat = begun;
        } catch (RuntimeException e) {
            steadySince = System.nanoTime();
            log.warn("the store did not hear that this control plane is up: {}", e.toString());
        }
    }

    @PreDestroy
    void end() {
        clock.shutdownNow();
        try {
            ledger.leave(id);
        } catch (RuntimeException e) {
            log.info("left without saying so: {}", e.toString());
        }
    }
}
