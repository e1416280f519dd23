package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelException;
import dev.skerry.controlplane.llm.ModelInfo;
import dev.skerry.controlplane.llm.ModelRequest;
import dev.skerry.controlplane.llm.Usage;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Money;
import dev.skerry.session.Ulid;
import dev.skerry.store.Events;
import dev.skerry.store.Ledger;
import dev.skerry.store.Ledger.Balance;
import dev.skerry.store.Ledger.Settlement;
import dev.skerry.store.Sessions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.stereotype.Component;

/** Reserves what a model call can cost before it is made, and settles what it did cost, once. */
@Component
class Books {
    private static final Logger log = LoggerFactory.getLogger(Books.class);
    private static final int SHORTEST_ANSWER_TOKENS = 1024;
    private static final int CHARACTERS_PER_TOKEN = 3;

    private final Ledger ledger;
    private final Sessions sessions;
    private final Events events;
    private final SessionLog sessionLog;
    private final ModelCatalogue catalogue;
    private final Ulid ids;
    private final Clock clock;
    private final Instant startedAt;
    private final Duration longestCall;

    Books(
            Ledger ledger,
            Sessions sessions,
            Events events,
            SessionLog sessionLog,
            ModelCatalogue catalogue,
            Ulid ids,
            Clock clock,
            ControlPlaneSettings settings) {
        this.ledger = ledger;
        this.sessions = sessions;
        this.events = events;
        this.sessionLog = sessionLog;
        this.catalogue = catalogue;
        this.ids = ids;
        this.clock = clock;
        this.startedAt = clock.instant();
        this.longestCall = settings.limits().modelCall().plusMinutes(1);
    }

    /** A call that may be made as {@code request} says. */
    record Reserved(String callId, ModelRequest request, ModelInfo model, Money worstCase, long inputTokens) {}

    /** Asks for a shorter answer where the budget does not cover the longest; throws {@link RefusedException} where it covers none. */
    Reserved reserve(OngoingCall call, ModelInfo model, ModelRequest request) {
        settleLeftover(call);
        long inputTokens = catalogue.inputTokenUpperBound(request);
        int outputTokens = request.maxOutputTokens();
        while (true) {
            Money worstCase = model.worstCase(inputTokens, outputTokens);
            String callId = "mcl_" + ids.next();
            if (reserve(call, model, callId, worstCase)) {
                return new Reserved(callId, Prompts.shorter(request, outputTokens), model, worstCase, inputTokens);
            }
            if (outputTokens / 2 < SHORTEST_ANSWER_TOKENS) {
                throw new RefusedException(reached(call, worstCase));
            }
            outputTokens /= 2;
        }
    }

    private boolean reserve(OngoingCall call, ModelInfo model, String callId, Money worstCase) {
        try {
            return ledger.reserve(new Ledger.Reservation(
                            callId,
                            call.caller().session(),
                            call.turn(),
                            call.seq(),
                            call.caller().incarnation(),
                            model.id(),
                            worstCase.nanoUsd()))
                    .isPresent();
        } catch (DuplicateKeyException e) {
            throw new RefusedException(inFlight());
        }
    }

    private void settleLeftover(OngoingCall call) {
        ledger.unsettled(call.turn(), call.seq()).ifPresent(leftover -> {
            boolean dead = leftover.reservedAt().isBefore(startedAt)
                    || leftover.reservedAt().plus(longestCall).isBefore(clock.instant());
            if (!dead) {
                throw new RefusedException(inFlight());
            }
            log.warn(
                    "session {}: settling a model call that a crash left behind",
                    call.caller().session());
            ledger.abandon(leftover.callId());
        });
    }

    private static Refusal inFlight() {
        return new Refusal.Unavailable("This very call is being answered elsewhere: ask again.", 1);
    }

    private Refusal reached(OngoingCall call, Money needed) {
        String session = call.caller().session();
        Balance balance = ledger.balance(session);
        if (!events.has(session, call.turn(), "budget.reached")) {
            sessions.setStopReason(session, "budget_reached");
            sessionLog.append(
                    session, "budget.reached", call.turn(), call.caller().incarnation(), money(balance));
        }
        return new Refusal.BudgetExceeded("The next model call may cost " + needed + " and the session's budget has "
                + new Money(balance.remainingNanoUsd()) + " left.");
    }

    /** Settles a call that was answered, by what the provider counted; answers what is left. */
    Optional<Balance> settle(OngoingCall call, Reserved reserved, Usage usage) {
        Money cost = reserved.model().cost(usage);
        Optional<Balance> settled = ledger.settle(
                reserved.callId(),
                new Settlement(
                        cost.nanoUsd(), usage.allInputTokens(), usage.outputTokens(), usage.estimated(), "completed"));
        settled.filter(balance -> crosses(balance, cost))
                .ifPresent(balance -> sessionLog.append(
                        call.caller().session(),
                        "budget.warning",
                        call.turn(),
                        call.caller().incarnation(),
                        money(balance)));
        return settled;
    }

    /** Settles a call that was not answered: what the provider did not begin costs nothing, the rest is estimated from its size. */
    void settleFailed(OngoingCall call, Reserved reserved, ModelException failure) {
        if (failure.streamed() || failure.kind() == ModelException.Kind.CANCELLED) {
            settleUnknown(call, reserved, failure.kind().reason());
        } else {
            ledger.settle(
                    reserved.callId(),
                    new Settlement(0, 0, 0, false, failure.kind().reason()));
        }
    }

    /** Settles by an estimate that the reservation bounds. */
    void settleUnknown(OngoingCall call, Reserved reserved, String outcome) {
        Usage usage = new Usage(
                reserved.inputTokens() * 2 / CHARACTERS_PER_TOKEN,
                call.charactersSoFar() / CHARACTERS_PER_TOKEN + 1L,
                0,
                0,
                true);
        Money estimate = reserved.model().cost(usage);
        Money cost = estimate.compareTo(reserved.worstCase()) < 0 ? estimate : reserved.worstCase();
        ledger.settle(
                reserved.callId(),
                new Settlement(cost.nanoUsd(), usage.inputTokens(), usage.outputTokens(), true, outcome));
    }

    private static boolean crosses(Balance balance, Money cost) {
        long threshold = balance.capNanoUsd() / 4 * 3;
        return balance.spentNanoUsd() >= threshold && balance.spentNanoUsd() - cost.nanoUsd() < threshold;
    }

    private static Map<String, Object> money(Balance balance) {
        return Map.of(
                "spent_usd", new Money(balance.spentNanoUsd()).usd(), "cap_usd", new Money(balance.capNanoUsd()).usd());
    }
}
