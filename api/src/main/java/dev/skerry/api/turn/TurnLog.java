package dev.skerry.api.turn;

import dev.skerry.session.Reason;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnStatus;
import dev.skerry.session.Ulid;
import dev.skerry.store.Events;
import dev.skerry.store.Ledger;
import dev.skerry.store.Messages;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import dev.skerry.temporal.Trace;
import java.math.BigDecimal;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/** Records turns: as queued together with the message that asks for them, and as over when no sandbox will ever see them. */
@Component
public class TurnLog {
    private final Turns turns;
    private final Messages messages;
    private final Events events;
    private final Ledger ledger;
    private final Ulid ids;
    private final JsonMapper json;
    private final TransactionTemplate transaction;

    TurnLog(
            Turns turns,
            Messages messages,
            Events events,
            Ledger ledger,
            Ulid ids,
            JsonMapper json,
            TransactionTemplate transaction) {
        this.turns = turns;
        this.messages = messages;
        this.events = events;
        this.ledger = ledger;
        this.ids = ids;
        this.json = json;
        this.transaction = transaction;
    }

    private record Queued(int textBytes) {}

    private record Over(
            @Nullable String result,
            String reason,
            String message,
            List<String> files,
            long durationMs,
            NothingUsed usage) {}

    private record NothingUsed(long calls, long inputTokens, long outputTokens, BigDecimal costUsd) {
        static final NothingUsed IT = new NothingUsed(0, 0, 0, BigDecimal.ZERO);
    }

    /** Stores message, turn and event together; joins the caller's transaction. */
    public TurnRow queue(String session, TurnId turn, MessageText text) {
        return required(() -> {
            TurnRow row = turns.append(session, turn.value(), Trace.current());
            messages.appendUser(session, turn.value(), "msg_" + ids.next(), text.content(json));
            events.append(
                    session, "turn.queued", turn.value(), null, json.writeValueAsString(new Queued(text.bytes())));
            return row;
        });
    }

    /** Ends a turn that never began; changes nothing when it is over already. */
    public void abandon(String session, String turn, TurnStatus status, Reason reason) {
        required(() -> turns.finish(session, turn, status.code(), null, reason.code(), reason.message(), "[]")
                .map(row -> events.append(
                        session,
                        "turn." + status.code(),
                        turn,
                        null,
                        json.writeValueAsString(
                                new Over(null, reason.code(), reason.message(), List.of(), 0, NothingUsed.IT))))
                .isPresent());
    }

    public TurnView view(TurnRow row) {
        return TurnView.of(row, ledger.usage(row.sessionId(), row.id()));
    }

    private <T> T required(java.util.function.Supplier<T> work) {
        T done = transaction.execute(status -> work.get());
        if (done == null) {
            throw new IllegalStateException("A transaction ended without a result.");
        }
        return done;
    }
}
