package dev.skerry.controlplane.lifecycle;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.skerry.controlplane.ControlPlaneSettings;
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
    private final Turns turns;
    private final Transitions transitions;
    private final Incarnations incarnations;
    private final Outcomes outcomes;
    private final SessionLog sessionLog;
    private final TransactionTemplate transactions;
    private final Clock clock;
    private final Duration lease;

    TurnLifeController(
            Turns turns,
            Transitions transitions,
            Incarnations incarnations,
            Outcomes outcomes,
            SessionLog sessionLog,
            TransactionTemplate transactions,
            Clock clock,
            ControlPlaneSettings settings) {
        this.turns = turns;
        this.transitions = transitions;
        this.incarnations = incarnations;
        this.outcomes = outcomes;
        this.sessionLog = sessionLog;
        this.transactions = transactions;
        this.clock = clock;
        this.lease = settings.lease();
    }

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Given(
            String state,
            @Nullable TurnOutcome outcome,
            @Nullable String reason) {}

    record Give(@Nullable String taskToken, Transition transition) {}

    record End(@Nullable TurnStatus status, @Nullable Reason reason) {}

    @PostMapping("/incarnations/{number}/turns/{turn}")
    Given give(
            @PathVariable String session, @PathVariable int number, @PathVariable String turn, @RequestBody Give give) {
        byte[] task = new TaskToken(give.taskToken()).bytes();
        Given given = Objects.requireNonNull(
                transactions.execute(ignored -> give(session, number, turn, task, give.transition())));
        incarnations.wake(session);
        return given;
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

    private Given give(String session, int number, String turnId, byte[] task, Transition running) {
        TurnRow turn = turns.find(session, turnId).orElseThrow(TurnLifeController::unknown);
        if (turn.over()) {
            return over(turn);
        }
        Optional<String> lost = lost(session, number);
        if (lost.isPresent()) {
            return new Given("lost", null, lost.get());
        }
        Optional<TurnRow> given = turns.give(session, turnId, number, task);
        if (given.isEmpty()) {
            return over(turns.find(session, turnId).orElse(turn));
        }
        transitions.project(session, running);
        if (given.get().attempt() > turn.attempt()) {
            sessionLog.append(
                    session,
                    "turn.started",
                    turnId,
                    number,
                    Map.of("attempt", given.get().attempt()));
        }
        return new Given("given", null, null);
    }

    private static Given over(TurnRow turn) {
        return new Given("over", new TurnOutcome(TurnStatus.of(turn.status()), turn.reasonCode()), null);
    }

    private Optional<String> lost(String session, int number) {
        IncarnationRow row = incarnations.find(session, number).orElseThrow(IncarnationController::unknown);
        if (!row.state().equals("live")) {
            return Optional.of("sandbox_not_live");
        }
        boolean silent =
                row.lastSeenAt() == null || row.lastSeenAt().plus(lease).isBefore(clock.instant());
        return silent ? Optional.of("sandbox_silent") : Optional.empty();
    }

    private static RefusedException unknown() {
        return new RefusedException(new Refusal.NotFound("This session has no such turn."));
    }
}
