package dev.skerry.controlplane.lifecycle;

import dev.skerry.controlplane.budget.BudgetChange;
import dev.skerry.controlplane.budget.Sweeper;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.turn.Outcomes;
import dev.skerry.session.Money;
import dev.skerry.session.Reason;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Sessions;
import dev.skerry.store.Turns;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Takes a session's state changes, and its end in two steps: everything stopped, then the books closed. */
@RestController
@RequestMapping("/internal/v1/sessions/{session}")
class TransitionController {
    private final Transitions transitions;
    private final Sessions sessions;
    private final Incarnations incarnations;
    private final Turns turns;
    private final Outcomes outcomes;
    private final Sweeper sweeper;
    private final TransactionTemplate transactions;
    private final BudgetChange budgets;

    TransitionController(
            Transitions transitions,
            Sessions sessions,
            Incarnations incarnations,
            Turns turns,
            Outcomes outcomes,
            Sweeper sweeper,
            TransactionTemplate transactions,
            BudgetChange budgets) {
        this.transitions = transitions;
        this.sessions = sessions;
        this.incarnations = incarnations;
        this.turns = turns;
        this.outcomes = outcomes;
        this.sweeper = sweeper;
        this.transactions = transactions;
        this.budgets = budgets;
    }

    record Stop(
            @Nullable Transition transition,
            @Nullable TurnStatus turns,
            @Nullable Reason reason) {}

    record Settle(@Nullable Transition transition) {}

    record Budget(long capNanoUsd) {}

    @PostMapping("/transitions")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void transition(@PathVariable String session, @RequestBody Transition transition) {
        transactions.executeWithoutResult(ignored -> transitions.project(session, transition));
    }

    @PostMapping("/budget")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void raiseBudget(@PathVariable String session, @RequestBody Budget budget) {
        if (budget.capNanoUsd() <= 0) {
            throw RefusedException.invalid("cap_nano_usd must be above zero.");
        }
        if (sessions.find(session).orElseThrow(IncarnationController::unknown).ended()) {
            throw new RefusedException(new Refusal.SessionEnded());
        }
        budgets.cap(session, new Money(budget.capNanoUsd()));
    }

    @PostMapping("/stop")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void stop(@PathVariable String session, @RequestBody Stop stop) {
        TurnStatus how = stop.turns();
        Reason reason = stop.reason();
        if (how == null || reason == null) {
            throw RefusedException.invalid("turns and reason must say how the session's turns end.");
        }
        transactions.executeWithoutResult(ignored -> transitions.project(session, stop.transition()));
        incarnations.closeUpTo(session, Integer.MAX_VALUE);
        for (String turn : turns.open(session)) {
            outcomes.record(session, turn, new Outcomes.Outcome(how, null, reason.code(), reason.message(), List.of()));
        }
    }

    @PostMapping("/settle")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void settle(@PathVariable String session, @RequestBody Settle settle) {
        sweeper.settle(session);
        transactions.executeWithoutResult(ignored -> transitions.project(session, settle.transition()));
    }
}
