package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelException.Kind;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** Asks again, at most twice, where nothing of an answer had come and the provider may do better soon; measures every attempt. */
final class RetryingProvider implements ModelProvider {
    private static final int RETRIES = 2;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(400);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final ModelProvider provider;
    private final MeterRegistry meters;
    private final Duration firstPause;

    RetryingProvider(ModelProvider provider, MeterRegistry meters) {
        this(provider, meters, FIRST_PAUSE);
    }

    RetryingProvider(ModelProvider provider, MeterRegistry meters, Duration firstPause) {
        this.provider = provider;
        this.meters = meters;
        this.firstPause = firstPause;
    }

    @Override
    public String name() {
        return provider.name();
    }

    @Override
    public ModelAnswer generate(ModelRequest request, Consumer<String> textDeltas) throws ModelException {
        long deadline = System.nanoTime() + request.deadline().toNanos();
        for (int attempt = 0; ; attempt++) {
            try {
                return measured(request, textDeltas, deadline);
            } catch (ModelException e) {
                Duration pause = pause(e, attempt);
                if (attempt == RETRIES || !worthAnother(e) || System.nanoTime() + pause.toNanos() > deadline) {
                    throw e;
                }
                sleep(pause);
            }
        }
    }

    private ModelAnswer measured(ModelRequest request, Consumer<String> textDeltas, long deadline)
            throws ModelException {
        Timer.Sample sample = Timer.start(meters);
        String outcome = "ok";
        try {
            Duration rest = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
            return provider.generate(
                    new ModelRequest(
                            request.model(),
                            request.system(),
                            request.messages(),
                            request.tools(),
                            request.toolChoice(),
                            request.maxOutputTokens(),
                            rest),
                    textDeltas);
        } catch (ModelException e) {
            outcome = e.kind().reason();
            throw e;
        } finally {
            sample.stop(Timer.builder("skerry.model.call")
                    .tag("provider", name())
                    .tag("model", request.model())
                    .tag("outcome", outcome)
                    .register(meters));
        }
    }

    private static boolean worthAnother(ModelException e) {
        return !e.streamed() && (e.kind() == Kind.RATE_LIMITED || e.kind() == Kind.UNAVAILABLE);
    }

    private Duration pause(ModelException e, int attempt) {
        Duration told = e.retryAfter();
        if (told != null) {
            return told.compareTo(LONGEST_PAUSE) > 0 ? Duration.ofDays(1) : told;
        }
        long base = firstPause.toMillis() << attempt;
        return Duration.ofMillis(base / 2 + ThreadLocalRandom.current().nextLong(base));
    }

    private static void sleep(Duration pause) throws ModelException {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            throw new ModelException(Kind.CANCELLED, "The model call was cancelled.", false, null, null, e);
        }
    }
}
