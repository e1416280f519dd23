package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelException.Kind;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Stops asking a provider that failed again and again, for a short while: what is asked meanwhile fails at once, or goes to a fallback.
 *
 * <p>Opens when half of the last twenty calls, and at least ten, found the provider unavailable.
 */
public final class Circuit {
    private static final Duration PAUSE = Duration.ofSeconds(10);
    private static final int WINDOW = 20;
    private static final int LEAST = 10;
    private static final float HALF = 50;
    private static final int TRIALS = 3;

    private final CircuitBreaker breaker;

    Circuit(String provider, MeterRegistry meters) {
        this(provider, meters, PAUSE);
    }

    Circuit(String provider, MeterRegistry meters, Duration pause) {
        this.breaker = CircuitBreaker.of(
                provider,
                CircuitBreakerConfig.custom()
                        .slidingWindowSize(WINDOW)
                        .minimumNumberOfCalls(LEAST)
                        .failureRateThreshold(HALF)
                        .permittedNumberOfCallsInHalfOpenState(TRIALS)
                        .waitDurationInOpenState(pause)
                        .automaticTransitionFromOpenToHalfOpenEnabled(false)
                        .build());
        Gauge.builder("skerry.model.circuit.open", breaker, Circuit::open)
                .description("1 while a provider is not asked because it failed again and again.")
                .tag("provider", provider)
                .register(meters);
    }

    private static double open(CircuitBreaker breaker) {
        return breaker.getState() == CircuitBreaker.State.OPEN ? 1 : 0;
    }

    /** Throws {@link ModelException} while the provider is not asked; otherwise {@link #ended} must follow, once. */
    public void enter() throws ModelException {
        try {
            breaker.acquirePermission();
        } catch (CallNotPermittedException e) {
            throw new ModelException(
                    Kind.UNAVAILABLE,
                    "The model provider failed again and again and is left alone for some seconds. Try again soon.");
        }
    }

    /** Says how a call ended; what is no fault of the provider does not count. */
    public void ended(boolean fault, long startNanos) {
        long took = System.nanoTime() - startNanos;
        if (fault) {
            breaker.onError(took, TimeUnit.NANOSECONDS, new IllegalStateException("unavailable"));
        } else {
            breaker.onSuccess(took, TimeUnit.NANOSECONDS);
        }
    }

    /** The caller broke the call off: it says nothing of the provider. */
    public void leave() {
        breaker.releasePermission();
    }
}
