package dev.skerry.controlplane.budget;

import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.session.Money;
import dev.skerry.store.Ledger;
import java.util.Map;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/** Changes what a session may spend; counts from the next model call on, wherever that is made. */
@Component
public class BudgetChange {
    private final Ledger ledger;
    private final SessionLog log;
    private final TransactionTemplate transaction;

    BudgetChange(Ledger ledger, SessionLog log, TransactionTemplate transaction) {
        this.ledger = ledger;
        this.log = log;
        this.transaction = transaction;
    }

    public void cap(String session, Money cap) {
        transaction.executeWithoutResult(ignored -> {
            if (ledger.balance(session).capNanoUsd() != cap.nanoUsd()) {
                Ledger.Balance balance = ledger.cap(session, cap.nanoUsd());
                log.append(
                        session,
                        "budget.changed",
                        null,
                        null,
                        Map.of("cap_usd", cap.usd(), "spent_usd", new Money(balance.spentNanoUsd()).usd()));
            }
        });
    }
}
