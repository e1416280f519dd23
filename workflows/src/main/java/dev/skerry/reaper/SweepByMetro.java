package dev.skerry.reaper;

import dev.skerry.reaper.AbandonedActivities.Found;
import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.reaper.ReapReport.SessionsReport;
import dev.skerry.reaper.ReaperActivities.Orphan;
import dev.skerry.reaper.ReaperActivities.Sweep;
import io.temporal.failure.ActivityFailure;
import io.temporal.workflow.Workflow;
import java.util.ArrayList;
import java.util.List;

/** How sweeps went before all metros were judged first; those that began then go on like this, and no step of it may change. */
final class SweepByMetro {
    private SweepByMetro() {}

    static ReapReport run(ReapOrder order) {
        SessionsReport sessions = sessions(order);
        List<MetroReport> reports = new ArrayList<>();
        for (String metro : ReaperCalls.metros(order)) {
            reports.add(sweep(metro, order));
        }
        return new ReapReport(order.dryRun(), sessions, reports);
    }

    private static SessionsReport sessions(ReapOrder order) {
        AbandonedActivities rows = ReaperCalls.records();
        try {
            Found first = rows.findAbandoned(order.grace(), order.most());
            if (first.abandoned().isEmpty() || order.dryRun()) {
                return new SessionsReport(first.seen(), first.abandoned(), 0, "", List.of());
            }
            Workflow.sleep(order.confirmAfter());
            Found second = rows.findAbandoned(order.grace(), order.most());
            int closed = 0;
            for (String session : second.abandoned()) {
                if (first.abandoned().contains(session)
                        && rows.closeAbandoned(session, Workflow.currentTimeMillis(), ReapOrphansWorkflowImpl.GONE)) {
                    closed++;
                }
            }
            return new SessionsReport(second.seen(), first.abandoned(), closed, "", List.of());
        } catch (ActivityFailure e) {
            return new SessionsReport(0, List.of(), 0, ReaperCalls.reason(e), List.of());
        }
    }

    private static MetroReport sweep(String metro, ReapOrder order) {
        ReaperActivities reaper = ReaperCalls.metro(metro);
        try {
            Sweep first = reaper.findOrphans(metro, order.grace(), order.most());
            List<String> names = first.orphans().stream().map(Orphan::name).toList();
            if (names.isEmpty() || order.dryRun()) {
                return new MetroReport(metro, first.seen(), first.kept(), names, 0, "", List.of());
            }
            Workflow.sleep(order.confirmAfter());
            Sweep second = reaper.findOrphans(metro, order.grace(), order.most());
            int reclaimed = 0;
            for (Orphan orphan : second.orphans()) {
                if (first.orphans().contains(orphan) && reaper.destroyOrphan(metro, orphan)) {
                    reclaimed++;
                }
            }
            return new MetroReport(metro, second.seen(), second.kept(), names, reclaimed, "", List.of());
        } catch (ActivityFailure e) {
            return new MetroReport(metro, 0, 0, List.of(), 0, ReaperCalls.reason(e), List.of());
        }
    }
}
