package dev.skerry.api.turn;

import dev.skerry.api.problem.ApiException;
import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.Reason;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnStatus;
import dev.skerry.session.Ulid;
import dev.skerry.store.Events;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Ledger;
import dev.skerry.store.Messages;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import dev.skerry.temporal.Trace;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/** Records turns: as queued together with the message that asks for them, and as over when no sandbox works on them any more. */
@Component
public class TurnLog {
    /** Why a turn is over that its session did not live to begin. */
    public static final Reason SESSION_ENDED =
            new Reason(FailureTypes.SESSION_ENDED, "The session ended before the turn began.");

    private final Turns turns;
    private final Sessions sessions;
    private final Incarnations incarnations;
    private final Messages messages;
    private final Events events;
    private final Ledger ledger;
    private final Ulid ids;
    private final JsonMapper json;
    private final TransactionTemplate transaction;

    TurnLog(
            Turns turns,
            Sessions sessions,
            Incarnations incarnations,
            Messages messages,
            Events events,
            Ledger ledger,
            Ulid ids,
            JsonMapper json,
            TransactionTemplate transaction) {
        this.turns = turns;
        this.sessions = sessions;
        this.incarnations = incarnations;
        this.messages = messages;
        this.events = events;
        this.ledger = ledger;
        this.ids = ids;
        this.json = json;
        this.transaction = transaction;
    }

    private record Queued(int textBytes) {}

    private record Over(
            @Nullable String result, String reason, String message, List<String> files, long durationMs, Used usage) {}

    private record Used(long calls, long inputTokens, long outputTokens, BigDecimal costUsd) {
        static Used of(List<Ledger.Usage> usage) {
            UsageView tokens = UsageView.of(usage);
            return new Used(
                    usage.stream().mapToLong(Ledger.Usage::calls).sum(),
                    tokens.inputTokens(),
                    tokens.outputTokens(),
                    tokens.costUsd());
        }
    }

    /**
     * Stores message, turn and event together, or nothing where the session has ended or as many turns wait as may; joins the caller's
     * transaction.
     */
    public TurnRow queue(String session, TurnId turn, MessageText text) {
        return required(() -> {
            TurnRow row = turns.append(session, turn.value(), Trace.current()).orElseThrow(ApiException::sessionEnded);
            if (tooManyWait(row)) {
                throw ApiException.tooManyWaiting();
            }
            messages.appendUser(session, turn.value(), "msg_" + ids.next(), text.content(json));
            events.append(
                    session, "turn.queued", turn.value(), null, json.writeValueAsString(new Queued(text.bytes())));
            return row;
        });
    }

    /** Only a session of more turns than may wait has to be counted. */
    private boolean tooManyWait(TurnRow newest) {
        return newest.ordinal() > AgentSessionWorkflow.MOST_WAITING
                && turns.waiting(newest.sessionId()) > AgentSessionWorkflow.MOST_WAITING;
    }

    /**
     * Ends a turn that nobody is to work on any more, and tells the sandbox that has it already, if one has. Changes nothing when it is over.
     * Locks the turn and then its session, as every outcome does: within a transaction that has locked the session before, Postgres may end
     * one of the two after a second, and what it ended has to be asked for again.
     */
    public void abandon(String session, String turn, TurnStatus status, Reason reason) {
        required(() -> turns.finish(session, turn, status.code(), null, reason.code(), reason.message(), "[]")
                .map(row -> {
                    if (row.incarnation() != null) {
                        sessions.rest(session);
                        incarnations.wake(session);
                    }
                    return events.append(
                            session,
                            "turn." + status.code(),
                            turn,
                            row.incarnation(),
                            json.writeValueAsString(over(row, reason)));
                })
                .isPresent());
    }

    private Over over(TurnRow turn, Reason reason) {
        return new Over(
                null,
                reason.code(),
                reason.message(),
                List.of(),
                Duration.between(Objects.requireNonNull(turn.startedAt()), Objects.requireNonNull(turn.finishedAt()))
                        .toMillis(),
                Used.of(ledger.usage(turn.sessionId(), turn.id())));
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
