package dev.skerry.controlplane.turn;

import dev.skerry.controlplane.http.Draining;
import dev.skerry.store.Notifications;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/**
 * Lets a thread wait until something may have changed for a session, on whichever replica it did.
 *
 * <p>When this process is about to stop it lets everybody go, before the server waits for its last requests to end: a poll is asked
 * again elsewhere, while a stream may finish.
 */
@Component
public class Wakeups {
    private final Map<String, Set<Subscription>> subscriptions = new ConcurrentHashMap<>();
    private final Draining draining;

    Wakeups(Notifications notifications, Draining draining) {
        this.draining = draining;
        notifications.listen(Notifications.Channel.SKERRY_SANDBOX, this::deliver);
        draining.whenBegun(() -> deliver(""));
    }

    /** Subscribe, read the store, then wait: what happens in between is not missed. */
    public Subscription subscribe(String session) {
        Subscription subscription = new Subscription(session);
        subscriptions.compute(session, (key, present) -> {
            Set<Subscription> of = present == null ? ConcurrentHashMap.newKeySet() : present;
            of.add(subscription);
            return of;
        });
        return subscription;
    }

    /** Nothing waits any more: answer with what there is. */
    public boolean draining() {
        return draining.begun();
    }

    private void deliver(String session) {
        if (session.isEmpty()) {
            subscriptions.values().forEach(of -> of.forEach(Subscription::wake));
        } else {
            subscriptions.getOrDefault(session, Set.of()).forEach(Subscription::wake);
        }
    }

    /** One waiting thread. */
    public final class Subscription implements AutoCloseable {
        private final String session;
        private final Semaphore news = new Semaphore(0);

        private Subscription(String session) {
            this.session = session;
        }

        private void wake() {
            news.release();
        }

        /** Returns on news or when the time is over. */
        public void await(Duration atMost) throws InterruptedException {
            if (news.tryAcquire(Math.max(0, atMost.toNanos()), TimeUnit.NANOSECONDS)) {
                news.drainPermits();
            }
        }

        @Override
        public void close() {
            subscriptions.computeIfPresent(session, (key, of) -> {
                of.remove(this);
                return of.isEmpty() ? null : of;
            });
        }
    }
}
