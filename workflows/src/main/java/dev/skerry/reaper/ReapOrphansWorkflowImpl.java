package dev.skerry.reaper;

import dev.skerry.reaper.AbandonedActivities.Found;
import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.reaper.ReapReport.SessionsReport;
import dev.skerry.reaper.ReaperActivities.Orphan;
import dev.skerry.reaper.ReaperActivities.Sweep;
import dev.skerry.session.ControlActivities;
import dev.skerry.session.ControlActivities.MetroView;
import dev.skerry.session.Reason;
import dev.skerry.session.TaskQueues;
import io.temporal.activity.ActivityOptions;
import io.temporal.activity.LocalActivityOptions;
import io.temporal.common.RetryOptions;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Workflow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Looks twice before it destroys; what cannot be judged with certainty is left alone. Tokens are revoked before VMs are destroyed. */
public final class ReapOrphansWorkflowImpl implements ReapOrphansWorkflow {
    private static final Duration LOOK = Duration.ofMinutes(10);
    private static final Duration IN_ALL = Duration.ofMinutes(15);
    private static final Duration ALIVE = Duration.ofSeconds(30);
    private static final Duration ASK = Duration.ofSeconds(5);
    private static final int ATTEMPTS = 3;
    private static final Reason GONE =
            new Reason("workflow_ended", "Its workflow was ended in Temporal without taking it down.");

    @Override
    public ReapReport run(ReapOrder order) {
        SessionsReport sessions = sessions(order);
        List<MetroReport> reports = new ArrayList<>();
        for (String metro : order.metros().isEmpty() ? everyMetro() : order.metros()) {
            reports.add(sweep(metro, order));
        }
        return new ReapReport(order.dryRun(), sessions, reports);
    }

    private static List<String> everyMetro() {
        return Workflow.newLocalActivityStub(
                        ControlActivities.class,
                        LocalActivityOptions.newBuilder()
                                .setStartToCloseTimeout(ASK)
                                .build())
                .metros()
                .stream()
                .map(MetroView::code)
                .toList();
    }

    private static SessionsReport sessions(ReapOrder order) {
        AbandonedActivities rows = Workflow.newActivityStub(
                AbandonedActivities.class, options(TaskQueues.CONTROL, "Look for sessions without a workflow"));
        try {
            Found first = rows.findAbandoned(order.grace(), order.most());
            if (first.abandoned().isEmpty() || order.dryRun()) {
                return new SessionsReport(first.seen(), first.abandoned(), 0, "");
            }
            Workflow.sleep(order.confirmAfter());
            Found second = rows.findAbandoned(order.grace(), order.most());
            int closed = 0;
            for (String session : second.abandoned()) {
                if (first.abandoned().contains(session)
                        && rows.closeAbandoned(session, Workflow.currentTimeMillis(), GONE)) {
                    closed++;
                }
            }
            return new SessionsReport(second.seen(), first.abandoned(), closed, "");
        } catch (ActivityFailure e) {
            return new SessionsReport(0, List.of(), 0, reason(e));
        }
    }

    private static MetroReport sweep(String metro, ReapOrder order) {
        ReaperActivities reaper = Workflow.newActivityStub(
                ReaperActivities.class, options(TaskQueues.metro(metro), "Look for orphans in " + metro));
        try {
            Sweep first = reaper.findOrphans(metro, order.grace(), order.most());
            List<String> names = first.orphans().stream().map(Orphan::name).toList();
            if (names.isEmpty() || order.dryRun()) {
                return new MetroReport(metro, first.seen(), first.kept(), names, 0, "");
            }
            Workflow.sleep(order.confirmAfter());
            Sweep second = reaper.findOrphans(metro, order.grace(), order.most());
            int reclaimed = 0;
            for (Orphan orphan : second.orphans()) {
                if (first.orphans().contains(orphan) && reaper.destroyOrphan(metro, orphan)) {
                    reclaimed++;
                }
            }
            return new MetroReport(metro, second.seen(), second.kept(), names, reclaimed, "");
        } catch (ActivityFailure e) {
            return new MetroReport(metro, 0, 0, List.of(), 0, reason(e));
        }
    }

    private static String reason(ActivityFailure failure) {
        if (failure.getCause() instanceof CanceledFailure) {
            throw failure;
        }
        return failure.getCause() instanceof TemporalFailure cause
                ? cause.getOriginalMessage()
                : "There was no answer.";
    }

    private static ActivityOptions options(String queue, String summary) {
        return ActivityOptions.newBuilder()
                .setTaskQueue(queue)
                .setStartToCloseTimeout(LOOK)
                .setScheduleToCloseTimeout(IN_ALL)
                .setHeartbeatTimeout(ALIVE)
                .setRetryOptions(
                        RetryOptions.newBuilder().setMaximumAttempts(ATTEMPTS).build())
                .setSummary(summary)
                .build();
    }
}
