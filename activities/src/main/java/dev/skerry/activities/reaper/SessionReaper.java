package dev.skerry.activities.reaper;

import dev.skerry.activities.control.ControlPlane;
import dev.skerry.activities.control.ControlPlane.Unended;
import dev.skerry.activities.reaper.Workflows.Life;
import dev.skerry.reaper.AbandonedActivities;
import dev.skerry.session.Reason;
import dev.skerry.session.SessionId;
import dev.skerry.session.Status;
import dev.skerry.session.Transition;
import dev.skerry.session.TurnStatus;
import io.micrometer.core.instrument.MeterRegistry;
import io.temporal.activity.Activity;
import io.temporal.client.WorkflowClient;
import io.temporal.failure.ApplicationFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Closes the record of a session whose workflow was ended or deleted by force, as its workflow would have done. */
public final class SessionReaper implements AbandonedActivities {
    private static final int PAGE = 200;
    private static final String CLOSED = "skerry.reaper.sessions.closed";
    private static final String FAILED = "skerry.reaper.sessions.failed";

    private final ControlPlane controlPlane;
    private final Workflows workflows;
    private final MeterRegistry meters;

    public SessionReaper(ControlPlane controlPlane, WorkflowClient temporal, MeterRegistry meters) {
        this.controlPlane = controlPlane;
        this.workflows = new Workflows(temporal);
        this.meters = meters;
        meters.counter(CLOSED).increment(0);
        meters.counter(FAILED).increment(0);
    }

    @Override
    public Found findAbandoned(Duration grace, int most) {
        return counted(() -> look(grace, most));
    }

    private Found look(Duration grace, int most) {
        List<String> abandoned = new ArrayList<>();
        int seen = 0;
        String after = "";
        List<Unended> page;
        do {
            page = controlPlane.unended(grace, after, PAGE);
            for (Unended session : page) {
                Activity.getExecutionContext().heartbeat(null);
                seen++;
                after = session.session();
                if (abandoned.size() < most && isAbandoned(session)) {
                    abandoned.add(session.session());
                }
            }
        } while (page.size() == PAGE);
        return new Found(seen, abandoned);
    }

    private boolean isAbandoned(Unended session) {
        return switch (workflows.of(session.session())) {
            case OPEN -> false;
            case CLOSED -> true;
            case UNHEARD_OF -> session.born();
        };
    }

    @Override
    public boolean closeAbandoned(String session, long transition, Reason reason) {
        return counted(() -> close(session, transition, reason));
    }

    private boolean close(String session, long transition, Reason reason) {
        if (workflows.of(session) == Life.OPEN) {
            return false;
        }
        Transition ending =
                new Transition(new SessionId(session), transition, Status.TERMINATING, reason, 0, null, null);
        controlPlane.stop(ending, TurnStatus.FAILED, reason);
        controlPlane.settle(ending.then(Status.TERMINATED));
        meters.counter(CLOSED).increment();
        return true;
    }

    private <T> T counted(Supplier<T> step) {
        try {
            return step.get();
        } catch (ApplicationFailure e) {
            meters.counter(FAILED).increment();
            throw e;
        }
    }
}
