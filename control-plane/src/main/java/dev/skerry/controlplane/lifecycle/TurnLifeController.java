package dev.skerry.controlplane.lifecycle;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.budget.Presence;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.turn.Outcomes;
import dev.skerry.session.Reason;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Incarnations.IncarnationRow;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Gives turns to incarnations, cancels and ends them for the worker. */
@RestController
@RequestMapping("/internal/v1/sessions/{session}")
class TurnLifeController {
    /** A sandbox that lives shows it every three seconds at the least. */
    private static final Duration SEEN_LATELY = Duration.ofSeconds(15);

    private static final Outcomes.Outcome CANCELLED = new Outcomes.Outcome(
            TurnStatus.CANCELLED, null, "cancelled", "Cancelled before a sandbox went on with it.", List.of());

    private final Turns turns;
    private final Transitions transitions;
    private final Incarnations incarnations;
    private final Outcomes outcomes;
    private final SessionLog sessionLog;
    private final TransactionTemplate transactions;
    private final Presence presence;
    private final Clock clock;
    private final Duration lease;

    TurnLifeController(
            Turns turns,
            Transitions transitions,
            Incarnations incarnations,
            Outcomes outcomes,
            SessionLog sessionLog,
            TransactionTemplate transactions,
            Presence presence,
            Clock clock,
            ControlPlaneSettings settings) {
        this.turns = turns;
        this.transitions = transitions;
        this.incarnations = incarnations;
        this.outcomes = outcomes;
        this.sessionLog = sessionLog;
        this.transactions = transactions;
        this.presence = presence;
        this.clock = clock;
        this.lease = settings.lease();
    }

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Given(
            String state,
            @Nullable TurnOutcome outcome,
            @Nullable String reason) {}

    /** {@code again}: it was given before, and Temporal has heard nothing for too long. */
    record Give(@Nullable String taskToken, @Nullable Boolean again, Transition transition) {}

    record End(@Nullable TurnStatus status, @Nullable Reason reason) {}

    @PostMapping("/incarnations/{number}/turns/{turn}")
    Given give(
            @PathVariable String session, @PathVariable int number, @PathVariable String turn, @RequestBody Give give) {
        byte[] task = new TaskToken(give.taskToken()).bytes();
        Optional<Given> given =
                Objects.requireNonNull(transactions.execute(ignored -> give(session, number, turn, task, give)));
        return given.orElseGet(() -> cancelled(session, turn));
    }

    @PostMapping("/turns/{turn}/cancel")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void cancel(@PathVariable String session, @PathVariable String turn) {
        turns.requestCancel(session, turn);
        incarnations.wake(session);
    }

    @PostMapping("/turns/{turn}/end")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void end(@PathVariable String session, @PathVariable String turn, @RequestBody End end) {
        if (end.status() == null || end.reason() == null) {
            throw RefusedException.invalid("status and reason must say how the turn ended.");
        }
        var _ = turns.find(session, turn).orElseThrow(TurnLifeController::unknown);
        outcomes.record(
                session,
                turn,
                new Outcomes.Outcome(
                        end.status(), null, end.reason().code(), end.reason().message(), List.of()));
    }

    /** Empty when the turn is to be cancelled instead. */
    private Optional<Given> give(String session, int number, String turnId, byte[] task, Give give) {
        TurnRow turn = turns.find(session, turnId).orElseThrow(TurnLifeController::unknown);
        if (turn.over() || turn.cancelRequested()) {
            return over(turn);
        }
        Optional<String> lost = lost(session, number, longestSilence(give));
        if (lost.isPresent()) {
            return lost.map(TurnLifeController::lost);
        }
        Optional<TurnRow> given = turns.give(session, turnId, number, task);
        if (given.isEmpty()) {
            TurnRow now = turns.find(session, turnId).orElseThrow(TurnLifeController::unknown);
            return now.over() || now.cancelRequested() ? over(now) : Optional.of(lost("superseded"));
        }
        transitions.project(session, give.transition());
        if (given.get().attempt() > turn.attempt()) {
            sessionLog.append(
                    session,
                    "turn.started",
                    turnId,
                    number,
                    Map.of("attempt", given.get().attempt()));
        }
        return Optional.of(new Given("given", null, null));
    }

    /** No sandbox has heard of this cancellation, and none needs to. */
    private Given cancelled(String session, String turnId) {
        outcomes.record(session, turnId, CANCELLED);
        return turns.find(session, turnId).flatMap(TurnLifeController::over).orElseThrow(TurnLifeController::unknown);
    }

    private static Optional<Given> over(TurnRow turn) {
        return turn.over()
                ? Optional.of(new Given("over", new TurnOutcome(TurnStatus.of(turn.status()), turn.reasonCode()), null))
                : Optional.empty();
    }

    private static Given lost(String reason) {
        return new Given("lost", null, reason);
    }

    private Duration longestSilence(Give give) {
        boolean hears = Boolean.TRUE.equals(give.again()) && presence.steady();
        return hears && SEEN_LATELY.compareTo(lease) < 0 ? SEEN_LATELY : lease;
    }

    private Optional<String> lost(String session, int number, Duration longestSilence) {
        IncarnationRow row = incarnations.find(session, number).orElseThrow(IncarnationController::unknown);
        if (!row.state().equals("live")) {
            return Optional.of("sandbox_not_live");
        }
        if ("stop".equals(row.directive())) {
            return Optional.of("sandbox_told_to_stop");
        }
        boolean silent = row.lastSeenAt() == null
                || row.lastSeenAt().plus(longestSilence).isBefore(clock.instant());
        return silent ? Optional.of("sandbox_silent") : Optional.empty();
    }

    private static RefusedException unknown() {
        return new RefusedException(new Refusal.NotFound("This session has no such turn."));
    }
}
