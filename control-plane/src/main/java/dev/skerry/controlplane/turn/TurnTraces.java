package dev.skerry.controlplane.turn;

import dev.skerry.store.TurnRow;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.ReceiverContext;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.propagation.Propagator;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

/** Puts what a turn's sandbox does into the trace in which the turn was asked for; what a sandbox says of traces is not believed. */
@Component
public class TurnTraces {
    private static final String FIELD = "traceparent";

    private final ObservationRegistry observations;
    private final ObjectProvider<Propagator> propagator;

    TurnTraces(ObservationRegistry observations, ObjectProvider<Propagator> propagator) {
        this.observations = observations;
        this.propagator = propagator;
    }

    /** Measures a call that a turn makes, as a metric and as a span. */
    public <T, E extends Throwable> T call(TurnRow turn, String what, Observation.CheckedCallable<T, E> work) throws E {
        return observation(turn, what).observeChecked(work);
    }

    /** The same, for a call that answers by itself. */
    public <E extends Throwable> void run(TurnRow turn, String what, Observation.CheckedRunnable<E> work) throws E {
        observation(turn, what).observeChecked(work);
    }

    private Observation observation(TurnRow turn, String what) {
        ReceiverContext<TurnRow> context = new ReceiverContext<>(TurnTraces::field, Kind.SERVER);
        context.setCarrier(turn);
        return Observation.createNotStarted("skerry.turn.call", () -> context, observations)
                .contextualName("turn " + what)
                .lowCardinalityKeyValue("call", what)
                .highCardinalityKeyValue("session", turn.sessionId())
                .highCardinalityKeyValue("turn", turn.id());
    }

    /** The whole of a turn that is over, from the moment a sandbox first had it. */
    public void over(TurnRow turn) {
        Instant start = Objects.requireNonNullElse(turn.startedAt(), turn.createdAt());
        propagator.ifAvailable(known -> known.extract(turn, TurnTraces::field)
                .name("turn")
                .kind(Span.Kind.SERVER)
                .tag("session", turn.sessionId())
                .tag("turn", turn.id())
                .tag("status", turn.status())
                .tag("attempt", turn.attempt())
                .startTimestamp(
                        TimeUnit.SECONDS.toNanos(start.getEpochSecond()) + start.getNano(), TimeUnit.NANOSECONDS)
                .start()
                .end());
    }

    private static @Nullable String field(TurnRow turn, String name) {
        return name.equals(FIELD) ? turn.traceParent() : null;
    }
}
