package dev.skerry.controlplane.turn;

import dev.skerry.controlplane.completion.Completions;
import dev.skerry.controlplane.completion.Completions.Pulse;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.store.Incarnations;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * Relays a sandbox's signs of life to the activity that waits for its turn, at most one per three seconds.
 *
 * <p>A sandbox for whose turn nobody waits any more is told to stop; the turn itself is the next incarnation's, and stays as it is.
 */
@Component
public class Life {
    private static final Logger log = LoggerFactory.getLogger(Life.class);
    private static final long INTERVAL = Duration.ofSeconds(3).toNanos();
    private static final int MOST_REMEMBERED = 100_000;

    private final Completions completions;
    private final Turns turns;
    private final Incarnations incarnations;
    private final Map<Caller, Long> last = new ConcurrentHashMap<>();

    Life(Completions completions, Turns turns, Incarnations incarnations) {
        this.completions = completions;
        this.turns = turns;
        this.incarnations = incarnations;
    }

    /** Every authenticated call is one. */
    @EventListener
    public void sign(Caller caller) {
        long now = System.nanoTime();
        Long before = last.get(caller);
        if (before != null && now - before < INTERVAL) {
            return;
        }
        boolean mine = before == null ? last.putIfAbsent(caller, now) == null : last.replace(caller, before, now);
        if (mine) {
            Thread.startVirtualThread(() -> relay(caller));
        }
        if (last.size() > MOST_REMEMBERED) {
            last.values().removeIf(then -> now - then > INTERVAL);
        }
    }

    private void relay(Caller caller) {
        try {
            turns.runningOn(caller.session(), caller.incarnation()).ifPresent(turn -> heartbeat(caller, turn));
        } catch (RuntimeException e) {
            log.warn("session {}: a sign of life was not relayed: {}", caller.session(), e.toString());
        }
    }

    private void heartbeat(Caller caller, TurnRow turn) {
        byte[] task = turn.taskToken();
        if (task != null
                && completions.heartbeat(task) == Pulse.UNWANTED
                && incarnations.dismiss(caller.session(), caller.incarnation(), task)) {
            log.info(
                    "session {} turn {}: nobody waits for what incarnation {} does, which is told to stop",
                    caller.session(),
                    turn.id(),
                    caller.incarnation());
        }
    }
}
