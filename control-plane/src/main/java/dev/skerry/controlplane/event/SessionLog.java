package dev.skerry.controlplane.event;

import dev.skerry.store.Audit;
import dev.skerry.store.Events;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/** Appends to a session's log and, for what the control plane itself knows, to the audit log; inside a transaction, with it. */
@Component
public class SessionLog {
    private final Events events;
    private final Audit audit;
    private final TransactionTemplate transactions;
    private final StoredJson json;

    SessionLog(Events events, Audit audit, TransactionTemplate transactions, StoredJson json) {
        this.events = events;
        this.audit = audit;
        this.transactions = transactions;
        this.json = json;
    }

    public void append(
            String session,
            String type,
            @Nullable String turn,
            @Nullable Integer incarnation,
            Map<String, ? extends @Nullable Object> data) {
        String text = json.of(data);
        if (!Audited.wants(type)) {
            events.append(session, type, turn, incarnation, text);
            return;
        }
        transactions.executeWithoutResult(ignored -> {
            events.append(session, type, turn, incarnation, text);
            audit.append(session, type, json.of(Audited.of(turn, incarnation, data, text)));
        });
    }
}
