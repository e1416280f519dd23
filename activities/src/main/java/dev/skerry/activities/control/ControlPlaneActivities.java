package dev.skerry.activities.control;

import dev.skerry.activities.provider.Metro;
import dev.skerry.session.ControlActivities;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.Money;
import dev.skerry.session.Reason;
import dev.skerry.session.SessionId;
import dev.skerry.session.Transition;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import io.temporal.activity.Activity;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.failure.ApplicationFailure;
import java.time.Duration;
import java.util.List;

/** A session's calls to the control plane; turns are completed by the control plane itself. */
public final class ControlPlaneActivities implements ControlActivities {
    private static final Duration CONTROL_PLANE_RETURNS_WITHIN = Duration.ofMinutes(2);
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final ControlPlane controlPlane;
    private final List<Metro> metros;

    public ControlPlaneActivities(ControlPlane controlPlane, List<Metro> metros) {
        this.controlPlane = controlPlane;
        this.metros = List.copyOf(metros);
    }

    @Override
    public List<MetroView> metros() {
        return metros.stream().map(Metro::view).toList();
    }

    @Override
    public TurnOutcome runTurn(Transition running, TurnId turn) {
        ActivityExecutionContext context = Activity.getExecutionContext();
        return switch (give(running, turn, context)) {
            case ControlPlane.Given.Over over -> over.outcome();
            case ControlPlane.Given.Lost lost ->
                throw ApplicationFailure.newNonRetryableFailure(lost.reason(), FailureTypes.SANDBOX_LOST);
            case ControlPlane.Given.Accepted ignored -> {
                context.doNotCompleteOnReturn();
                yield new TurnOutcome(TurnStatus.COMPLETED, null);
            }
        };
    }

    /** A control plane that restarts is asked until it answers: that it is away says nothing about the sandbox. */
    private ControlPlane.Given give(Transition running, TurnId turn, ActivityExecutionContext context) {
        boolean again = context.getInfo().getAttempt() > 1;
        long deadline = System.nanoTime() + CONTROL_PLANE_RETURNS_WITHIN.toNanos();
        while (true) {
            try {
                return controlPlane.giveTurn(running, turn, context.getTaskToken(), again);
            } catch (ApplicationFailure e) {
                if (e.isNonRetryable() || System.nanoTime() - deadline >= 0) {
                    throw e;
                }
            }
            context.heartbeat(null);
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ApplicationFailure.newFailure("The worker stops.", "interrupted");
        }
    }

    @Override
    public void cancelTurn(SessionId session, TurnId turn) {
        controlPlane.cancelTurn(session, turn);
    }

    @Override
    public void endTurn(SessionId session, TurnId turn, TurnStatus status, Reason reason) {
        controlPlane.endTurn(session, turn, status, reason);
    }

    @Override
    public void closeIncarnation(SessionId session, int incarnation) {
        controlPlane.close(session, incarnation);
    }

    @Override
    public void report(Transition transition) {
        controlPlane.report(transition);
    }

    @Override
    public void raiseBudget(SessionId session, Money cap) {
        controlPlane.raiseBudget(session, cap);
    }

    @Override
    public void stop(Transition terminating, TurnStatus turns, Reason reason) {
        controlPlane.stop(terminating, turns, reason);
    }

    @Override
    public void settle(Transition ended) {
        controlPlane.settle(ended);
    }
}
