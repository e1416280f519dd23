package dev.skerry.api.session;

import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.api.turn.UsageView;
import dev.skerry.session.Money;
import dev.skerry.store.Events;
import dev.skerry.store.Ledger;
import dev.skerry.store.SessionRow;
import java.math.BigDecimal;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/** Changes what a session may spend; counts from the next model call on, wherever that is made. */
@Component
class SessionChange {
    private final Ledger ledger;
    private final Events events;
    private final JsonMapper json;
    private final TransactionTemplate transaction;

    SessionChange(Ledger ledger, Events events, JsonMapper json, TransactionTemplate transaction) {
        this.ledger = ledger;
        this.events = events;
        this.json = json;
        this.transaction = transaction;
    }

    private record Changed(BigDecimal capUsd, BigDecimal spentUsd) {}

    void cap(SessionRow session, Money cap) {
        if (session.ending()) {
            throw new ApiException(
                    ProblemCode.SESSION_ENDED, "The session is over or about to be: create another one.");
        }
        transaction.executeWithoutResult(status -> {
            if (ledger.balance(session.id()).capNanoUsd() != cap.nanoUsd()) {
                Ledger.Balance balance = ledger.cap(session.id(), cap.nanoUsd());
                events.append(
                        session.id(),
                        "budget.changed",
                        null,
                        null,
                        json.writeValueAsString(new Changed(cap.usd(), UsageView.usd(balance.spentNanoUsd()))));
            }
        });
    }
}
