package dev.skerry.controlplane.event;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Turns;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Appends what a sandbox reports to its session's log, each event once. */
@Component
class SandboxEvents {
    private static final int MOST_AT_ONCE = 100;

    private final Incarnations incarnations;
    private final Turns turns;
    private final SessionLog sessionLog;
    private final int most;

    SandboxEvents(Incarnations incarnations, Turns turns, SessionLog sessionLog, ControlPlaneSettings settings) {
        this.incarnations = incarnations;
        this.turns = turns;
        this.sessionLog = sessionLog;
        this.most = settings.limits().events();
    }

    /** Answers up to which number everything is accepted. */
    @Transactional
    public long accept(Caller caller, List<@Nullable ReportedEvent> reported) {
        if (reported.size() > MOST_AT_ONCE) {
            throw new RefusedException(new Refusal.TooLarge("One call may carry " + MOST_AT_ONCE + " events at most."));
        }
        long last = incarnations.lastEventForUpdate(caller.session(), caller.incarnation());
        Set<String> known = new HashSet<>();
        for (ReportedEvent event : reported) {
            AcceptedEvent accepted = AcceptedEvent.of(event);
            if (accepted.seq() <= last) {
                continue;
            }
            if (accepted.seq() > most) {
                throw new RefusedException(
                        new Refusal.TooLarge("One incarnation may send " + most + " events at most."));
            }
            String turn = accepted.turn();
            if (turn != null
                    && known.add(turn)
                    && turns.find(caller.session(), turn).isEmpty()) {
                throw RefusedException.invalid("This session has no turn " + turn + ".");
            }
            sessionLog.append(caller.session(), accepted.type(), turn, caller.incarnation(), accepted.data());
            last = accepted.seq();
        }
        incarnations.acceptEvents(caller.session(), caller.incarnation(), last);
        return last;
    }
}
