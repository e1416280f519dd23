package dev.skerry.reaper;

import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.reaper.ReaperActivities.Orphan;
import dev.skerry.reaper.ReaperActivities.Sweep;
import io.temporal.failure.ActivityFailure;
import java.util.List;

/**
 * What one look at one metro showed.
 *
 * @param failure why it could not be judged, empty when it could
 */
record Look(String metro, Sweep sweep, String failure) {
    private static final Sweep NOTHING = new Sweep(0, 0, List.of());

    static Look at(String metro, ReapOrder order) {
        try {
            return new Look(metro, ReaperCalls.metro(metro).findOrphans(metro, order.grace(), order.most()), "");
        } catch (ActivityFailure e) {
            return new Look(metro, NOTHING, ReaperCalls.reason(e));
        }
    }

    boolean judged() {
        return failure.isEmpty();
    }

    boolean foundAny() {
        return !sweep.orphans().isEmpty();
    }

    List<String> names() {
        return sweep.orphans().stream().map(Orphan::name).toList();
    }

    /** Nothing was destroyed, for the reason given unless it has one of its own. */
    MetroReport onlyLooked(String why) {
        return new MetroReport(metro, sweep.seen(), sweep.kept(), names(), 0, judged() ? why : failure, List.of());
    }
}
