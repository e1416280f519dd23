package dev.skerry.controlplane.lifecycle;

import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Lists sessions that go on, for the reaper to ask Temporal about. */
@RestController
class UnendedController {
    private static final int MOST = 1_000;

    private final Sessions sessions;
    private final Clock clock;

    UnendedController(Sessions sessions, Clock clock) {
        this.sessions = sessions;
        this.clock = clock;
    }

    record Ask(long quietSeconds, @Nullable String after, int limit) {}

    /**
     * @param sessions ids, in order
     * @param born those of them whose workflow has acted already, so that Temporal must have heard of it
     */
    record Page(List<String> sessions, List<String> born) {
        static Page of(List<SessionRow> rows) {
            return new Page(
                    rows.stream().map(SessionRow::id).toList(),
                    rows.stream()
                            .filter(row -> !row.unborn())
                            .map(SessionRow::id)
                            .toList());
        }
    }

    @PostMapping("/internal/v1/sessions/unended")
    Page unended(@RequestBody Ask ask) {
        String after = ask.after();
        if (ask.quietSeconds() < 0 || ask.limit() < 1 || ask.limit() > MOST || after == null) {
            throw RefusedException.invalid("quiet_seconds, after and a limit of 1 to " + MOST + " are needed.");
        }
        return Page.of(
                sessions.unended(clock.instant().minus(Duration.ofSeconds(ask.quietSeconds())), after, ask.limit()));
    }
}
