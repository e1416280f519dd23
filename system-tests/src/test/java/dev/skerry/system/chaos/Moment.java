package dev.skerry.system.chaos;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * When a fault strikes.
 *
 * @param pause after the one before
 * @param boundary the step that some session takes just before, if it matters
 * @param outage how long what was killed stays away
 */
record Moment(Duration pause, Optional<String> boundary, Duration outage) {
    static final List<String> BOUNDARIES = List.of(
            "session.created",
            "turn.queued",
            "session.provisioning",
            "session.hardening",
            "session.ready",
            "turn.started",
            "model.response",
            "tool.started",
            "tool.finished",
            "turn.completed",
            "session.suspended",
            "session.resuming",
            "session.resumed",
            "session.terminating");

    static final String AT_RANDOM = "at random";

    /** In the report, the moment after a step. */
    static String after(String step) {
        return "after " + step;
    }
}
