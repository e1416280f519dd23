package dev.skerry.controlplane.budget;

import dev.skerry.session.Money;
import dev.skerry.store.Ledger.Settlement;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import org.springframework.stereotype.Component;

/** What operators see of model calls: how many, how they ended, tokens, cost, and how long this process held them up. */
@Component
public class Measures {
    private final MeterRegistry meters;

    Measures(MeterRegistry meters) {
        this.meters = meters;
    }

    void settled(Reserved reserved, Settlement settlement) {
        String model = reserved.model().id();
        String via = reserved.purpose().via();
        Counter.builder("skerry.model.settled")
                .description("Model calls by how they ended.")
                .tag("model", model)
                .tag("via", via)
                .tag("outcome", settlement.outcome())
                .register(meters)
                .increment();
        tokens(model, via, "input", settlement.inputTokens());
        tokens(model, via, "output", settlement.outputTokens());
        Counter.builder("skerry.model.cost")
                .description("What model calls cost.")
                .baseUnit("usd")
                .tag("model", model)
                .tag("via", via)
                .register(meters)
                .increment(new Money(settlement.costNanoUsd()).usd().doubleValue());
    }

    private void tokens(String model, String via, String kind, long tokens) {
        Counter.builder("skerry.model.tokens")
                .description("Tokens that models read and wrote.")
                .tag("model", model)
                .tag("via", via)
                .tag("kind", kind)
                .register(meters)
                .increment((double) tokens);
    }

    /** Takes how long a call that was answered spent in this process, without the time that the provider took. */
    public void added(String via, long totalNanos, long providerNanos) {
        Timer.builder("skerry.model.added")
                .description("What this process added to the time of a model call that was answered.")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofNanos(100_000))
                .maximumExpectedValue(Duration.ofSeconds(5))
                .tag("via", via)
                .register(meters)
                .record(Duration.ofNanos(Math.max(0, totalNanos - providerNanos)));
    }
}
