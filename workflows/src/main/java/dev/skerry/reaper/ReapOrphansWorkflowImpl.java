package dev.skerry.reaper;

import dev.skerry.reaper.AbandonedActivities.Found;
import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.reaper.ReapReport.SessionsReport;
import dev.skerry.reaper.ReaperActivities.Orphan;
import dev.skerry.session.Reason;
import io.temporal.failure.ActivityFailure;
import io.temporal.workflow.Workflow;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks twice at every metro before it destroys anything anywhere; what cannot be judged with certainty is left alone. One that cannot
 * be destroyed does not keep the others alive. Tokens are revoked before VMs are destroyed.
 */
public final class ReapOrphansWorkflowImpl implements ReapOrphansWorkflow {
    static final Reason GONE =
            new Reason("workflow_ended", "Its workflow was ended in Temporal without taking it down.");

    private static final String JUDGE_ALL_FIRST = "judge-all-first";

    @Override
    public ReapReport run(ReapOrder order) {
        int version = Workflow.getVersion(JUDGE_ALL_FIRST, Workflow.DEFAULT_VERSION, 1);
        return version == Workflow.DEFAULT_VERSION ? SweepByMetro.run(order) : sweep(order);
    }

    private static ReapReport sweep(ReapOrder order) {
        SessionsReport sessions = sessions(order);
        return new ReapReport(order.dryRun(), sessions, metros(order));
    }

    private static SessionsReport sessions(ReapOrder order) {
        AbandonedActivities records = ReaperCalls.records();
        Found first = new Found(0, List.of());
        Found second;
        try {
            first = records.findAbandoned(order.grace(), order.most());
            if (first.abandoned().isEmpty() || order.dryRun()) {
                return new SessionsReport(first.seen(), first.abandoned(), 0, "", List.of());
            }
            Workflow.sleep(order.confirmAfter());
            second = records.findAbandoned(order.grace(), order.most());
        } catch (ActivityFailure e) {
            return new SessionsReport(first.seen(), first.abandoned(), 0, ReaperCalls.reason(e), List.of());
        }
        Tally tally = new Tally();
        for (String session : first.abandoned()) {
            if (second.abandoned().contains(session)) {
                tally.count(
                        session,
                        () -> ReaperCalls.closing(session).closeAbandoned(session, Workflow.currentTimeMillis(), GONE));
            }
        }
        return new SessionsReport(second.seen(), first.abandoned(), tally.done, "", tally.refused);
    }

    private static List<MetroReport> metros(ReapOrder order) {
        List<Look> first = ReaperCalls.metros(order).stream()
                .map(metro -> Look.at(metro, order))
                .toList();
        if (order.dryRun() || first.stream().noneMatch(Look::foundAny)) {
            return first.stream().map(look -> look.onlyLooked("")).toList();
        }
        String doubt = doubt(first);
        if (!doubt.isEmpty()) {
            return first.stream().map(look -> look.onlyLooked(doubt)).toList();
        }
        Workflow.sleep(order.confirmAfter());
        List<Look> second = first.stream()
                .map(look -> look.foundAny() ? Look.at(look.metro(), order) : look)
                .toList();
        String laterDoubt = doubt(second);
        if (!laterDoubt.isEmpty()) {
            return second.stream().map(look -> look.onlyLooked(laterDoubt)).toList();
        }
        List<MetroReport> reports = new ArrayList<>();
        for (int i = 0; i < first.size(); i++) {
            reports.add(destroy(first.get(i), second.get(i)));
        }
        return reports;
    }

    /** Why nothing may be destroyed anywhere, empty when every metro was judged. */
    private static String doubt(List<Look> looks) {
        List<String> unjudged =
                looks.stream().filter(look -> !look.judged()).map(Look::metro).toList();
        return unjudged.isEmpty()
                ? ""
                : "Nothing is destroyed while " + String.join(", ", unjudged) + " cannot be judged.";
    }

    private static MetroReport destroy(Look first, Look second) {
        Tally tally = new Tally();
        for (Orphan orphan : first.sweep().orphans()) {
            if (second.sweep().orphans().contains(orphan)) {
                tally.count(
                        orphan.name(),
                        () -> ReaperCalls.destroying(first.metro(), orphan.name())
                                .destroyOrphan(first.metro(), orphan));
            }
        }
        return new MetroReport(
                first.metro(),
                second.sweep().seen(),
                second.sweep().kept(),
                first.names(),
                tally.done,
                "",
                tally.refused);
    }

    /** What was done, and what could not be. */
    private static final class Tally {
        private final List<String> refused = new ArrayList<>();
        private int done;

        private interface Step {
            boolean run();
        }

        private void count(String what, Step step) {
            try {
                if (step.run()) {
                    done++;
                }
            } catch (ActivityFailure e) {
                refused.add(what + ": " + ReaperCalls.reason(e));
            }
        }
    }
}
