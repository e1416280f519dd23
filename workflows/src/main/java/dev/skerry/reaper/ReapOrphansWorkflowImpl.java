package dev.skerry.reaper;

import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.reaper.ReaperActivities.Orphan;
import dev.skerry.reaper.ReaperActivities.Sweep;
import dev.skerry.session.TaskQueues;
import io.temporal.activity.ActivityOptions;
import io.temporal.common.RetryOptions;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Workflow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Looks twice before it destroys; a metro that cannot be judged with certainty is left alone. */
public final class ReapOrphansWorkflowImpl implements ReapOrphansWorkflow {
    private static final Duration LOOK = Duration.ofMinutes(10);
    private static final Duration IN_ALL = Duration.ofMinutes(15);
    private static final Duration ALIVE = Duration.ofSeconds(30);
    private static final int ATTEMPTS = 3;

    @Override
    public ReapReport run(ReapOrder order) {
        List<MetroReport> reports = new ArrayList<>();
        for (String metro : order.metros()) {
            reports.add(sweep(metro, order));
        }
        return new ReapReport(order.dryRun(), reports);
    }

    private static MetroReport sweep(String metro, ReapOrder order) {
        ReaperActivities reaper = activities(metro);
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
            if (e.getCause() instanceof CanceledFailure) {
                throw e;
            }
            return new MetroReport(metro, 0, 0, List.of(), 0, reason(e));
        }
    }

    private static String reason(ActivityFailure failure) {
        return failure.getCause() instanceof TemporalFailure cause
                ? cause.getOriginalMessage()
                : "The metro could not be judged.";
    }

    private static ReaperActivities activities(String metro) {
        return Workflow.newActivityStub(
                ReaperActivities.class,
                ActivityOptions.newBuilder()
                        .setTaskQueue(TaskQueues.metro(metro))
                        .setStartToCloseTimeout(LOOK)
                        .setScheduleToCloseTimeout(IN_ALL)
                        .setHeartbeatTimeout(ALIVE)
                        .setRetryOptions(RetryOptions.newBuilder()
                                .setMaximumAttempts(ATTEMPTS)
                                .build())
                        .setSummary("Look for orphans in " + metro)
                        .build());
    }
}
