package dev.skerry.controlplane.budget;

import dev.skerry.controlplane.audit.AuditTrail;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelException;
import dev.skerry.controlplane.llm.ModelInfo;
import dev.skerry.controlplane.llm.Usage;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Money;
import dev.skerry.session.Ulid;
import dev.skerry.store.Events;
import dev.skerry.store.Ledger;
import dev.skerry.store.Ledger.Balance;
import dev.skerry.store.Ledger.Decision;
import dev.skerry.store.Ledger.Settlement;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.support.TransactionTemplate;

/** Reserves what a model call can cost before it is made, and settles what it did cost, once. */
@Component
public class Books {
    private static final Logger log = LoggerFactory.getLogger(Books.class);
    private static final int CHARACTERS_PER_TOKEN = 3;
    private static final int BYTES_PER_TOKEN = 2;

    private final Ledger ledger;
    private final Sessions sessions;
    private final Events events;
    private final SessionLog sessionLog;
    private final AuditTrail audit;
    private final ModelCatalogue catalogue;
    private final Ledger.Caps caps;
    private final Presence presence;
    private final LateSettlements late;
    private final Measures measures;
    private final TransactionTemplate transactions;
    private final Ulid ids;

    Books(
            Ledger ledger,
            Sessions sessions,
            Events events,
            SessionLog sessionLog,
            AuditTrail audit,
            ModelCatalogue catalogue,
            BudgetSettings settings,
            Presence presence,
            LateSettlements late,
            Measures measures,
            TransactionTemplate transactions,
            Ulid ids) {
        this.ledger = ledger;
        this.sessions = sessions;
        this.events = events;
        this.sessionLog = sessionLog;
        this.audit = audit;
        this.catalogue = catalogue;
        this.caps = settings.caps();
        this.presence = presence;
        this.late = late;
        this.measures = measures;
        this.transactions = transactions;
        this.ids = ids;
    }

    /**
     * Reserves for an answer of at most {@code mostOutput} tokens, or of half of that, and so on, but not of less than
     * {@code leastOutput}; throws {@link RefusedException} where the budget covers none of these.
     */
    public Reserved reserve(Purpose purpose, ModelInfo model, long inputTokens, int mostOutput, int leastOutput) {
        int outputTokens = mostOutput;
        while (true) {
            Money worstCase = model.worstCase(inputTokens, outputTokens);
            String callId = "mcl_" + ids.next();
            switch (reserve(purpose, model, callId, worstCase)) {
                case Decision.Granted ignored -> {
                    return new Reserved(callId, purpose, model, worstCase, inputTokens, outputTokens);
                }
                case Decision.Refused(Ledger.Level cap) -> {
                    if (outputTokens <= leastOutput) {
                        throw new RefusedException(reached(purpose, worstCase, cap));
                    }
                    outputTokens = Math.max(leastOutput, outputTokens / 2);
                }
            }
        }
    }

    /** A reservation and the turn that it was found to be for. */
    public record InTurn(TurnRow turn, Reserved reserved) {}

    /** Like {@link #reserve}, for a call of the turn in progress; throws {@link RefusedException} as well where there is none. */
    public InTurn reserveInTurn(
            Caller caller, String via, ModelInfo model, long inputTokens, int mostOutput, int leastOutput) {
        Money worstCase = model.worstCase(inputTokens, mostOutput);
        String callId = "mcl_" + ids.next();
        Ledger.Reservation asked = new Ledger.Reservation(
                callId,
                caller.session(),
                null,
                null,
                caller.incarnation(),
                model.id(),
                worstCase.nanoUsd(),
                presence.id(),
                via,
                catalogue.priceVersion());
        Ledger.InTurn made = surely(callId, () -> ledger.reserveInTurn(asked, caps));
        TurnRow turn = made.turn();
        if (turn == null) {
            throw new RefusedException(
                    new Refusal.TurnOver("No turn is in progress: a model may be asked during a turn only."));
        }
        Purpose purpose = new Purpose(caller.session(), turn.id(), caller.incarnation(), null, via);
        return new InTurn(
                turn,
                switch (made.decision()) {
                    case Decision.Granted ignored ->
                        new Reserved(callId, purpose, model, worstCase, inputTokens, mostOutput);
                    case Decision.Refused(Ledger.Level cap) -> {
                        if (mostOutput <= leastOutput) {
                            throw new RefusedException(reached(purpose, worstCase, cap));
                        }
                        yield reserve(purpose, model, inputTokens, Math.max(leastOutput, mostOutput / 2), leastOutput);
                    }
                });
    }

    private Decision reserve(Purpose purpose, ModelInfo model, String callId, Money worstCase) {
        Ledger.Reservation asked = new Ledger.Reservation(
                callId,
                purpose.session(),
                purpose.turn(),
                purpose.seq(),
                purpose.incarnation(),
                model.id(),
                worstCase.nanoUsd(),
                presence.id(),
                purpose.via(),
                catalogue.priceVersion());
        return surely(callId, () -> ledger.reserve(asked, caps));
    }

    /** Where it is unknown whether the store took a reservation, no call is made, and what it may have taken is settled at nothing. */
    private <T> T surely(String callId, Supplier<T> reservation) {
        try {
            return reservation.get();
        } catch (DuplicateKeyException e) {
            throw new RefusedException(
                    new Refusal.Unavailable("This very call is being answered elsewhere: ask again.", 1));
        } catch (DataAccessException | TransactionException e) {
            late.addOnceItAppears(() -> ledger.settle(callId, new Settlement(0, 0, 0, false, "not_made"))
                    .isPresent());
            throw e;
        }
    }

    private Refusal reached(Purpose purpose, Money needed, Ledger.Level cap) {
        Balance balance = ledger.balance(purpose.session());
        if (!events.has(purpose.session(), purpose.turn(), "budget.reached")) {
            sessions.setStopReason(purpose.session(), "budget_reached");
            append(purpose, "budget.reached", balance, Map.of("cap", cap.code()));
        }
        return new Refusal.BudgetExceeded(
                switch (cap) {
                    case SESSION ->
                        "The next model call may cost " + needed + " and the session's budget has "
                                + new Money(balance.remainingNanoUsd()) + " left. Raise it to go on.";
                    case TENANT -> "The next model call may cost " + needed + ", more than the tenant may still spend.";
                    case PLATFORM ->
                        "The next model call may cost " + needed + ", more than this installation may still spend.";
                });
    }

    /**
     * Settles a call that was answered, by what the provider counted; answers what is left, or empty if it was settled before. Part of
     * the surrounding transaction, if there is one.
     */
    public Optional<Balance> settle(Reserved reserved, Usage usage) {
        Settlement settlement = completed(reserved, usage);
        return settled(reserved, settlement, ledger.settle(reserved.callId(), settlement));
    }

    /** Like the other, and appends {@code entry} to the session's log together with it. */
    public void settle(Reserved reserved, Usage usage, Events.Entry entry) {
        Settlement settlement = completed(reserved, usage);
        Optional<Balance> settled = ledger.settleQuietly(reserved.callId(), settlement, entry);
        if (settled.isPresent()) {
            measures.settled(reserved, settlement);
        } else {
            transactions.executeWithoutResult(ignored -> settle(reserved, settlement, entry));
        }
    }

    private void settle(Reserved reserved, Settlement settlement, Events.Entry entry) {
        if (settled(reserved, settlement, ledger.settle(reserved.callId(), settlement, entry))
                .isEmpty()) {
            events.append(reserved.purpose().session(), entry);
        }
    }

    private static Settlement completed(Reserved reserved, Usage usage) {
        return new Settlement(
                reserved.model().cost(usage).nanoUsd(),
                usage.allInputTokens(),
                usage.outputTokens(),
                usage.estimated(),
                "completed");
    }

    private Optional<Balance> settled(Reserved reserved, Settlement settlement, Optional<Balance> settled) {
        settled.ifPresent(ignored -> measures.settled(reserved, settlement));
        if (settled.isPresent() && !settlement.outcome().equals("completed")) {
            recordFailure(reserved, settlement);
        }
        settled.filter(balance -> balance.crossedBy(settlement.costNanoUsd()))
                .ifPresent(balance -> append(reserved.purpose(), "budget.warning", balance, Map.of()));
        return settled;
    }

    /** Like {@link #settle(Reserved, Usage)}; when the store is away, as soon as it is back. */
    public void settleSurely(Reserved reserved, Usage usage) {
        surely(reserved, () -> settle(reserved, usage));
    }

    /**
     * Settles a call that was not answered: what the provider did not begin costs nothing; for the rest, what it said that it used, and
     * an estimate of what it did not say.
     */
    public void settleFailed(Reserved reserved, ModelException failure, long charactersSoFar) {
        boolean nothing = !failure.streamed() && failure.kind() != ModelException.Kind.CANCELLED;
        Settlement settlement = nothing
                ? new Settlement(0, 0, 0, false, failure.kind().reason())
                : estimate(
                        reserved,
                        failure.spent(),
                        charactersSoFar,
                        failure.kind().reason());
        surely(reserved, () -> settled(reserved, settlement, ledger.settle(reserved.callId(), settlement)));
    }

    /** Settles by an estimate that the reservation bounds. */
    public void settleUnknown(Reserved reserved, long charactersSoFar, String outcome) {
        Settlement settlement = estimate(reserved, null, charactersSoFar, outcome);
        surely(reserved, () -> settled(reserved, settlement, ledger.settle(reserved.callId(), settlement)));
    }

    private void surely(Reserved reserved, Runnable settlement) {
        try {
            settlement.run();
        } catch (DataAccessException | TransactionException e) {
            log.warn(
                    "session {}: a model call is settled later: {}",
                    reserved.purpose().session(),
                    e.toString());
            late.add(settlement);
        }
    }

    private static Settlement estimate(Reserved reserved, @Nullable Usage said, long charactersSoFar, String outcome) {
        long output = Math.min(reserved.outputTokens(), charactersSoFar / CHARACTERS_PER_TOKEN + 1);
        Usage usage = said == null
                ? new Usage(reserved.inputTokens() / BYTES_PER_TOKEN, output, 0, 0, true)
                : new Usage(
                        said.inputTokens(),
                        Math.max(said.outputTokens(), output),
                        said.cacheReadTokens(),
                        said.cacheWriteTokens(),
                        true);
        long cost = Math.min(
                reserved.model().cost(usage).nanoUsd(), reserved.worstCase().nanoUsd());
        return new Settlement(cost, usage.allInputTokens(), usage.outputTokens(), true, outcome);
    }

    private void recordFailure(Reserved reserved, Settlement settlement) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("turn", reserved.purpose().turn());
        data.put("incarnation", reserved.purpose().incarnation());
        data.put("model", reserved.model().id());
        data.put("via", reserved.purpose().via());
        data.put("outcome", settlement.outcome());
        data.put("cost_usd", new Money(settlement.costNanoUsd()).usd());
        audit.session(reserved.purpose().session(), "model.failed", data);
    }

    private void append(Purpose purpose, String type, Balance balance, Map<String, Object> more) {
        Map<String, Object> data = new LinkedHashMap<>(more);
        data.put("spent_usd", new Money(balance.spentNanoUsd()).usd());
        data.put("cap_usd", new Money(balance.capNanoUsd()).usd());
        sessionLog.append(purpose.session(), type, purpose.turn(), purpose.incarnation(), data);
    }
}
