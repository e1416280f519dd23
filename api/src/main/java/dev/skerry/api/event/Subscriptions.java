package dev.skerry.api.event;

import dev.skerry.api.ApiSettings;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.store.Notifications;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Fans one listening connection out to every open stream; at shutdown it ends them before the web server waits for them. */
@Component
class Subscriptions implements SmartLifecycle {
    private final Map<String, Set<Subscription>> bySession = new ConcurrentHashMap<>();
    private final AtomicInteger open = new AtomicInteger();
    private final int limit;
    private final JsonMapper json;
    private volatile boolean running;

    Subscriptions(Notifications notifications, ApiSettings settings, JsonMapper json, MeterRegistry meters) {
        this.limit = settings.maxStreams();
        this.json = json;
        meters.gauge("skerry.api.streams", open);
        notifications.listen(Notifications.Channel.SKERRY_EVENTS, this::wake);
        notifications.listen(Notifications.Channel.SKERRY_DELTAS, this::pass);
    }

    /** Close with {@link #close}. */
    Subscription open(String session) {
        if (!running) {
            throw new ApiException(ProblemCode.UNAVAILABLE, "This server is shutting down. Connect again.");
        }
        if (open.incrementAndGet() > limit) {
            open.decrementAndGet();
            throw new ApiException(
                    ProblemCode.TOO_MANY_STREAMS, "Too many event streams are open. Close some, or read pages.");
        }
        Subscription subscription = new Subscription();
        bySession.compute(session, (id, others) -> {
            Set<Subscription> all = others == null ? ConcurrentHashMap.newKeySet() : others;
            all.add(subscription);
            return all;
        });
        if (!running) {
            subscription.close();
        }
        return subscription;
    }

    void close(String session, Subscription subscription) {
        bySession.computeIfPresent(session, (id, all) -> {
            all.remove(subscription);
            return all.isEmpty() ? null : all;
        });
        open.decrementAndGet();
    }

    private void wake(String session) {
        if (session.isEmpty()) {
            bySession.values().forEach(all -> all.forEach(Subscription::look));
        } else {
            bySession.getOrDefault(session, Set.of()).forEach(Subscription::look);
        }
    }

    private void pass(String payload) {
        if (!payload.isEmpty() && !bySession.isEmpty()) {
            Delta.parse(json, payload)
                    .ifPresent(delta -> bySession
                            .getOrDefault(delta.session(), Set.of())
                            .forEach(subscription -> subscription.pass(delta)));
        }
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        bySession.values().forEach(all -> all.forEach(Subscription::close));
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
