package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.turn.Wakeups;
import dev.skerry.store.Incarnations;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Breaks a model call off when its turn is cancelled or over, or its session's tokens are revoked, on whichever replica that was said. */
final class CallWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(CallWatch.class);
    private static final Duration REREAD = Duration.ofSeconds(5);

    private final Turns turns;
    private final Incarnations incarnations;
    private final OngoingCall call;
    private final Thread worker = Thread.currentThread();
    private final Thread watcher;
    private boolean over;
    private boolean brokenOff;

    CallWatch(Wakeups wakeups, Turns turns, Incarnations incarnations, OngoingCall call) {
        this.turns = turns;
        this.incarnations = incarnations;
        this.call = call;
        Wakeups.Subscription news = wakeups.subscribe(call.caller().session());
        this.watcher = Thread.ofVirtual().start(() -> watch(news));
    }

    private void watch(Wakeups.Subscription news) {
        try (news) {
            while (wanted()) {
                news.await(REREAD);
            }
            breakOff();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean wanted() {
        try {
            boolean turnGoesOn = turns.find(call.caller().session(), call.turn())
                    .filter(turn -> !turn.over() && !turn.cancelRequested())
                    .map(TurnRow::incarnation)
                    .isPresent();
            return turnGoesOn && !revoked();
        } catch (RuntimeException e) {
            log.debug("could not read whether a model call is still wanted", e);
            return true;
        }
    }

    private boolean revoked() {
        int newest = incarnations.newest(call.caller().session());
        return incarnations
                .find(call.caller().session(), newest)
                .filter(row -> row.state().equals("closed"))
                .isPresent();
    }

    private synchronized void breakOff() {
        if (!over) {
            brokenOff = true;
            worker.interrupt();
        }
    }

    /** Whether this watch, and not something else, interrupted the call. */
    synchronized boolean brokeOff() {
        return brokenOff;
    }

    /** After this the worker's thread is not interrupted any more: it has to store and to settle. */
    @Override
    public synchronized void close() {
        over = true;
        watcher.interrupt();
        Thread.interrupted();
    }
}
