package dev.skerry.reaper;

import dev.skerry.session.Reason;
import io.temporal.activity.ActivityInterface;
import java.time.Duration;
import java.util.List;

/** Sessions whose record goes on though their workflow does not; runs on the control plane's task queue. */
@ActivityInterface
public interface AbandonedActivities {
    /**
     * Asks Temporal about each session whose record has not changed for so long. Fails, so that nothing is closed, when any page or
     * any answer is missing. A workflow that Temporal has not heard of is a proof only when it has acted before: else the api may be about
     * to start it.
     */
    Found findAbandoned(Duration grace, int most);

    /** Asks Temporal once more, then revokes the tokens, ends the turns and closes the books; answers whether it did. */
    boolean closeAbandoned(String session, long transition, Reason reason);

    /** What one look at the records showed. */
    record Found(int seen, List<String> abandoned) {}
}
