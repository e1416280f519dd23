package dev.skerry.reaper;

import io.temporal.activity.ActivityInterface;
import java.time.Duration;
import java.util.List;

/** What the reaper asks of one metro and of Temporal; runs on the metro's task queue. */
@ActivityInterface
public interface ReaperActivities {
    /**
     * Reads every page of the metro and asks Temporal about each session. Fails, so that nothing is destroyed, when any page or any
     * answer is missing.
     */
    Sweep findOrphans(String metro, Duration grace, int most);

    /** Asks Temporal once more, then destroys; answers whether it did. */
    boolean destroyOrphan(String metro, Orphan orphan);

    /** What one look at a metro showed. */
    record Sweep(int seen, int kept, List<Orphan> orphans) {}

    /** A VM that no living session owns. */
    record Orphan(String name, String session) {}
}
