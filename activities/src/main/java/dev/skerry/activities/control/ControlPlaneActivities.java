package dev.skerry.activities.control;

import dev.skerry.activities.provider.Metro;
import dev.skerry.session.ControlActivities;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.HelloReport;
import dev.skerry.session.Reason;
import dev.skerry.session.SessionId;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import io.temporal.activity.Activity;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.failure.ApplicationFailure;
import java.time.Duration;
import java.util.List;

/** A session's calls to the control plane; hello and turns are completed by the control plane itself. */
public final class ControlPlaneActivities implements ControlActivities {
    private static final Duration FLUSH = Duration.ofSeconds(15);
    private static final HelloReport COMPLETED_ELSEWHERE = new HelloReport("", 0, 0, 0);

    private final ControlPlane controlPlane;
    private final List<Metro> metros;

    public ControlPlaneActivities(ControlPlane controlPlane, List<Metro> metros) {
        this.controlPlane = controlPlane;
        this.metros = List.copyOf(metros);
    }

    @Override
    public List<MetroView> metros() {
        return metros.stream()
                .map(metro ->
                        new MetroView(metro.code(), metro.provider().name(), metro.healthy(), metro.weight(), null))
                .toList();
    }

    @Override
    public void openResume(SessionId session, int incarnation, int resumes) {
        controlPlane.openResume(session, incarnation, resumes);
    }

    @Override
    public HelloReport awaitHello(SessionId session, int incarnation) {
        ActivityExecutionContext context = Activity.getExecutionContext();
        return switch (controlPlane.awaitHello(session, incarnation, context.getTaskToken())) {
            case ControlPlane.Hello.Ready ready -> ready.report();
            case ControlPlane.Hello.Refused refused ->
                throw ApplicationFailure.newNonRetryableFailure(refused.reason(), FailureTypes.PROBE_FAILED);
            case ControlPlane.Hello.Waiting ignored -> {
                context.doNotCompleteOnReturn();
                yield COMPLETED_ELSEWHERE;
            }
        };
    }

    @Override
    public TurnOutcome runTurn(SessionId session, int incarnation, TurnId turn) {
        ActivityExecutionContext context = Activity.getExecutionContext();
        return switch (controlPlane.giveTurn(session, incarnation, turn, context.getTaskToken())) {
            case ControlPlane.Given.Over over -> over.outcome();
            case ControlPlane.Given.Lost lost ->
                throw ApplicationFailure.newNonRetryableFailure(lost.reason(), FailureTypes.SANDBOX_LOST);
            case ControlPlane.Given.Accepted ignored -> {
                context.doNotCompleteOnReturn();
                yield new TurnOutcome(TurnStatus.COMPLETED, null);
            }
        };
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
    public boolean freeze(SessionId session, int incarnation) {
        boolean flushed = controlPlane.flush(session, incarnation, FLUSH);
        controlPlane.freeze(session, incarnation);
        return flushed;
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
    public void settleSession(SessionId session) {
        controlPlane.settle(session);
    }
}
