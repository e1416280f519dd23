package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.turn.Wakeups;
import dev.skerry.store.Incarnations;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Breaks a model call off when its turn is cancelled or over, or its session's tokens are revoked, on whichever replica that was said. */
public final class CallWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(CallWatch.class);
    /** News that came before this watch could hear them are found by reading. */
    private static final Duration FIRST_READ = Duration.ofMillis(250);

    private static final Duration REREAD = Duration.ofSeconds(5);

    private final Turns turns;
    private final Incarnations incarnations;
    private final String session;
    private final String turn;
    private final Runnable breakOff;
    private final Thread watcher;
    private boolean waiting;
    private boolean over;
    private boolean brokenOff;

    /** {@code breakOff} is run at most once, on a thread of its own, and not after this watch was closed. */
    public CallWatch(
            Wakeups wakeups, Turns turns, Incarnations incarnations, String session, String turn, Runnable breakOff) {
        this.turns = turns;
        this.incarnations = incarnations;
        this.session = session;
        this.turn = turn;
        this.breakOff = breakOff;
        Wakeups.Subscription news = wakeups.subscribe(session);
        this.watcher = Thread.ofVirtual().start(() -> watch(news));
    }

    private void watch(Wakeups.Subscription news) {
        try (news) {
            Duration atMost = FIRST_READ;
            do {
                if (!waited(news, atMost)) {
                    return;
                }
                atMost = REREAD;
            } while (wanted());
            breakOff();
        }
    }

    /** Answers false when this watch was closed meanwhile. It is interrupted only here, never while it reads the store. */
    private boolean waited(Wakeups.Subscription news, Duration atMost) {
        if (!enter()) {
            return false;
        }
        try {
            news.await(atMost);
        } catch (InterruptedException e) {
            return false;
        }
        return leave();
    }

    private synchronized boolean enter() {
        waiting = !over;
        return waiting;
    }

    private synchronized boolean leave() {
        waiting = false;
        return !over;
    }

    private boolean wanted() {
        try {
            boolean turnGoesOn = turns.find(session, turn)
                    .filter(row -> !row.over() && !row.cancelRequested())
                    .map(TurnRow::incarnation)
                    .isPresent();
            return turnGoesOn && !revoked();
        } catch (RuntimeException e) {
            log.debug("could not read whether a model call is still wanted", e);
            return true;
        }
    }

    private boolean revoked() {
        int newest = incarnations.newest(session);
        return incarnations
                .find(session, newest)
                .filter(row -> row.stopped() || row.state().equals("closed"))
                .isPresent();
    }

    private synchronized void breakOff() {
        if (!over) {
            brokenOff = true;
            breakOff.run();
        }
    }

    /** Whether this watch, and not something else, broke the call off. */
    public synchronized boolean brokeOff() {
        return brokenOff;
    }

    /** After this the call is not broken off any more: it has to be stored and settled. */
    @Override
    public synchronized void close() {
        over = true;
        if (waiting) {
            watcher.interrupt();
        }
    }
}
