package dev.skerry.controlplane.budget;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.store.Ledger;
import dev.skerry.store.Ledger.Judge;
import dev.skerry.store.Ledger.Unsettled;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Closes reservations that a crash left behind, at what they can have cost at most.
 *
 * <p>Every control plane sweeps; the store settles each call once. One that lately could not reach the store, or only after a delay,
 * does not judge others.
 */
@Component
public class Sweeper {
    private static final Logger log = LoggerFactory.getLogger(Sweeper.class);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    private static final Duration SLACK = Duration.ofMinutes(1);

    private final Ledger ledger;
    private final Presence presence;
    private final Counter abandoned;
    private final Duration longestCall;
    private final ScheduledExecutorService clock =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());

    Sweeper(Ledger ledger, Presence presence, MeterRegistry meters, ControlPlaneSettings settings) {
        this.ledger = ledger;
        this.presence = presence;
        this.longestCall = settings.limits().modelCall().plus(SLACK);
        this.abandoned = Counter.builder("skerry.budget.abandoned")
                .description("Reservations that a crash left behind and that were settled at their whole amount.")
                .register(meters);
    }

    @PostConstruct
    void begin() {
        var _ = clock.scheduleWithFixedDelay(
                this::sweep, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void sweep() {
        if (!presence.steady()) {
            return;
        }
        try {
            ledger.leftBehind(null, judge()).forEach(this::trySettling);
        } catch (RuntimeException e) {
            log.warn("could not sweep: {}", e.toString());
        }
    }

    private void trySettling(Unsettled call) {
        try {
            settle(call);
        } catch (RuntimeException e) {
            log.warn("session {}: model call {} stays reserved: {}", call.sessionId(), call.callId(), e.toString());
        }
    }

    /** Settles what was left behind of one session, because its end has come. Calls that are being made settle themselves. */
    public void settle(String session) {
        ledger.leftBehind(session, judge()).forEach(this::settle);
    }

    private void settle(Unsettled call) {
        if (ledger.abandon(call.callId(), judge()).isPresent()) {
            abandoned.increment();
            log.warn("session {}: settled model call {}, which a crash left behind", call.sessionId(), call.callId());
        }
    }

    private Judge judge() {
        return new Judge(presence.id(), presence.steady(), Presence.SILENCE, longestCall);
    }

    @PreDestroy
    void stop() {
        clock.shutdownNow();
    }
}
