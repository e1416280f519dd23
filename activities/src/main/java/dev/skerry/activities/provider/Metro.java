package dev.skerry.activities.provider;

import dev.skerry.activities.provider.SandboxProvider.Condition;
import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.activities.provider.SandboxProvider.Page;
import dev.skerry.session.ControlActivities.MetroView;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One configured metro, and what this worker knows of its room and its health: what it says of itself, and how calls went. */
public final class Metro {
    private static final Logger log = LoggerFactory.getLogger(Metro.class);
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    private static final Duration FRESH = Duration.ofSeconds(5);

    private final String code;
    private final int weight;
    private final SandboxProvider provider;
    private final Clock clock;
    private final Circuit circuit;
    private final Object lookLock = new Object();
    private Instant lookedAt = Instant.EPOCH;
    private volatile Condition condition = Condition.UNKNOWN;

    public Metro(String code, int weight, SandboxProvider provider, Clock clock) {
        this.code = code;
        this.weight = weight;
        this.provider = provider;
        this.clock = clock;
        this.circuit = new Circuit(clock);
    }

    public String code() {
        return code;
    }

    public SandboxProvider provider() {
        return provider;
    }

    /** For a session that looks for a metro; what the metro says of itself is at most five seconds old. */
    public MetroView view() {
        Condition now = look();
        String ailment = now.ailment() != null ? now.ailment() : circuit.admits() ? null : "keeps failing";
        return new MetroView(code, provider.name(), ailment == null, weight, now.room(), ailment);
    }

    private Condition look() {
        synchronized (lookLock) {
            if (clock.instant().isAfter(lookedAt.plus(FRESH))) {
                lookedAt = clock.instant();
                condition = ask();
            }
            return condition;
        }
    }

    /** Asked in passing: a metro that is slow to say so must not hold up the others. */
    private Condition ask() {
        CompletableFuture<Condition> asked = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                asked.complete(provider.condition());
            } catch (ProviderException | RuntimeException e) {
                asked.completeExceptionally(e);
            }
        });
        try {
            return asked.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            log.warn("metro {} does not say how it is: {}", code, e.getMessage());
            return Condition.UNKNOWN;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Condition.UNKNOWN;
        }
    }

    /**
     * Everything in it that is the installation's, every page read.
     *
     * @param alive called before each page
     */
    public List<Owned> owned(String installation, Runnable alive) throws ProviderException {
        String tag = "installation=" + installation;
        TreeMap<String, Owned> byName = new TreeMap<>();
        Set<String> cursors = new HashSet<>();
        String next = null;
        do {
            alive.run();
            Page page = provider.listOwned(next);
            page.owned().stream()
                    .filter(owned -> owned.tags().contains(tag))
                    .forEach(owned -> byName.put(owned.name().value(), owned));
            next = page.next();
            if (next != null && !cursors.add(next)) {
                throw new ProviderException.Unknown("The listing of " + code + " goes in circles.", null);
            }
        } while (next != null);
        return List.copyOf(byName.values());
    }

    /** Whether its circuit is open or on trial; asking does not take the trial. */
    boolean keepsFailing() {
        return circuit.state() != Circuit.State.CLOSED;
    }

    void succeeded() {
        circuit.succeeded();
    }

    void failed() {
        circuit.failed();
    }

    /** What placement sees, for operators; nothing is asked of the metro for it. */
    public void measure(MeterRegistry meters) {
        gauge(meters, "skerry.metro.weight", metro -> metro.weight);
        gauge(meters, "skerry.metro.circuit", metro -> metro.circuit.state().number());
        gauge(meters, "skerry.metro.ailing", metro -> metro.condition.ailment() == null ? 0 : 1);
        gauge(meters, "skerry.metro.free", metro -> orNothing(metro.condition.room()));
    }

    private static double orNothing(@Nullable Integer number) {
        return number == null ? Double.NaN : number;
    }

    private void gauge(MeterRegistry meters, String name, ToDoubleFunction<Metro> value) {
        Gauge.builder(name, this, value).tag("metro", code).register(meters);
    }
}
