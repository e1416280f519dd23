package dev.skerry.controlplane.turn;

import dev.skerry.controlplane.event.StoredText;
import dev.skerry.controlplane.file.WorkspacePath;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The calls by which a sandbox gets its turns and says how they went. */
@RestController
@RequestMapping("/sandbox/v1")
class TurnController {
    private static final int LONGEST_WAIT_SECONDS = 30;
    private static final int LONGEST_RESULT_BYTES = 256 * 1024;
    private static final int MOST_FILES = 1000;
    private static final Pattern REASON = Pattern.compile("[a-z0-9_]{1,64}");

    private final TurnDesk desk;
    private final Outcomes outcomes;
    private final Turns turns;

    TurnController(TurnDesk desk, Outcomes outcomes, Turns turns) {
        this.desk = desk;
        this.outcomes = outcomes;
        this.turns = turns;
    }

    /** The turn that is worked on; null before there is one, while the workspace is fetched. */
    record Heartbeat(@Nullable String turn) {}

    record ReportedOutcome(
            @Nullable String status,
            @Nullable String result,
            @Nullable String reason,
            @Nullable List<@Nullable String> files) {}

    @GetMapping("/state")
    TurnDesk.State state(Caller caller) {
        return desk.state(caller);
    }

    @GetMapping("/next")
    ResponseEntity<TurnDesk.Work> next(Caller caller, @RequestParam(defaultValue = "25") int wait)
            throws InterruptedException {
        return desk.next(caller, Duration.ofSeconds(Math.clamp(wait, 0, LONGEST_WAIT_SECONDS)))
                .map(ResponseEntity::ok)
                .orElseGet(() -> ResponseEntity.noContent().build());
    }

    @PostMapping("/flushed")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void flushed(Caller caller) {
        desk.flushed(caller);
    }

    @PostMapping("/heartbeat")
    Map<String, @Nullable String> heartbeat(Caller caller, @RequestBody Heartbeat heartbeat) {
        return Collections.singletonMap(
                "directive",
                Optional.ofNullable(heartbeat.turn())
                        .flatMap(turn -> desk.directive(caller, turn))
                        .orElse(null));
    }

    @PostMapping("/turns/{turn}/outcome")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void outcome(Caller caller, @PathVariable String turn, @RequestBody ReportedOutcome reported) {
        Outcomes.Outcome outcome = checked(reported);
        TurnRow row = turns.find(caller.session(), turn)
                .orElseThrow(() -> new RefusedException(new Refusal.NotFound("This session has no such turn.")));
        if (!row.over() && !Integer.valueOf(caller.incarnation()).equals(row.incarnation())) {
            throw new RefusedException(new Refusal.TurnOver("This turn was not given to this incarnation."));
        }
        if (outcomes.record(caller.session(), turn, outcome)) {
            return;
        }
        TurnRow recorded = turns.find(caller.session(), turn).orElse(row);
        outcomes.tell(recorded);
        if (!recorded.status().equals(outcome.status().code())) {
            throw new RefusedException(
                    new Refusal.Conflict("This turn has the outcome " + recorded.status() + " already."));
        }
    }

    private static Outcomes.Outcome checked(ReportedOutcome reported) {
        List<@Nullable String> files = reported.files() == null ? List.of() : reported.files();
        if (files.size() > MOST_FILES) {
            throw RefusedException.invalid("files may name " + MOST_FILES + " paths at most.");
        }
        if (reported.reason() != null && !REASON.matcher(reported.reason()).matches()) {
            throw RefusedException.invalid("reason must be a stable code in snake_case, or null.");
        }
        if (reported.result() != null
                && reported.result().getBytes(StandardCharsets.UTF_8).length > LONGEST_RESULT_BYTES) {
            throw new RefusedException(
                    new Refusal.TooLarge("result may have " + LONGEST_RESULT_BYTES + " bytes of UTF-8 at most."));
        }
        return new Outcomes.Outcome(
                status(reported.status()),
                reported.result() == null ? null : StoredText.of(reported.result(), LONGEST_RESULT_BYTES),
                reported.reason(),
                null,
                files.stream().map(WorkspacePath::checked).toList());
    }

    private static TurnStatus status(@Nullable String code) {
        for (TurnStatus status : TurnStatus.values()) {
            if (status.code().equals(code)) {
                return status;
            }
        }
        throw RefusedException.invalid("status must be completed, failed, cancelled or limit.");
    }
}
