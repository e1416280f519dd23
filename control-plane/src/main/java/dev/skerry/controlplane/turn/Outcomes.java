package dev.skerry.controlplane.turn;

import dev.skerry.controlplane.completion.Completions;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.session.Money;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Ledger;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/** Records how a turn ended, once: in the store first, then to whoever waits for it. */
@Component
public class Outcomes {
    private static final Logger log = LoggerFactory.getLogger(Outcomes.class);

    private final Turns turns;
    private final Sessions sessions;
    private final Ledger ledger;
    private final Incarnations incarnations;
    private final SessionLog sessionLog;
    private final Completions completions;
    private final TransactionTemplate transactions;
    private final StoredJson json;
    private final TurnTraces traces;
    private final Map<TurnStatus, Timer> took = new EnumMap<>(TurnStatus.class);

    Outcomes(
            Turns turns,
            Sessions sessions,
            Ledger ledger,
            Incarnations incarnations,
            SessionLog sessionLog,
            Completions completions,
            TransactionTemplate transactions,
            StoredJson json,
            TurnTraces traces,
            MeterRegistry meters) {
        this.turns = turns;
        this.sessions = sessions;
        this.ledger = ledger;
        this.incarnations = incarnations;
        this.sessionLog = sessionLog;
        this.completions = completions;
        this.transactions = transactions;
        this.json = json;
        this.traces = traces;
        for (TurnStatus status : TurnStatus.values()) {
            took.put(
                    status,
                    Timer.builder("skerry.turn")
                            .description("Turns that are over, from the moment a sandbox first had them.")
                            .tag("status", status.code())
                            .register(meters));
        }
    }

    /**
     * How a turn ended.
     *
     * @param reason stable code
     * @param message one sentence for people
     * @param files paths that matter
     */
    public record Outcome(
            TurnStatus status,
            @Nullable String result,
            @Nullable String reason,
            @Nullable String message,
            List<String> files) {}

    /** Answers false when the turn has an outcome already, which stays. */
    public boolean record(String session, String turnId, Outcome outcome) {
        Optional<TurnRow> finished =
                Objects.requireNonNull(transactions.execute(ignored -> finish(session, turnId, outcome)));
        finished.ifPresent(turn -> {
            log.info("session {} turn {} {}", session, turnId, outcome.status().code());
            incarnations.wake(session);
            tell(turn);
            traces.over(turn);
            Objects.requireNonNull(took.get(outcome.status())).record(duration(turn));
        });
        return finished.isPresent();
    }

    /** Tells Temporal about a turn that is over; harmless when it knows. */
    public void tell(TurnRow turn) {
        byte[] task = turn.taskToken();
        if (task != null) {
            completions.turnOver(task, new TurnOutcome(TurnStatus.of(turn.status()), turn.reasonCode()));
        }
    }

    private Optional<TurnRow> finish(String session, String turnId, Outcome outcome) {
        Optional<TurnRow> finished = turns.finish(
                session,
                turnId,
                outcome.status().code(),
                outcome.result(),
                outcome.reason(),
                outcome.message(),
                json.of(outcome.files()));
        finished.ifPresent(turn -> {
            sessions.rest(session);
            sessions.setStopReason(session, outcome.status() == TurnStatus.LIMIT ? outcome.reason() : null);
            sessionLog.append(
                    session, "turn." + outcome.status().code(), turnId, turn.incarnation(), event(turn, outcome));
        });
        return finished;
    }

    private Map<String, @Nullable Object> event(TurnRow turn, Outcome outcome) {
        Map<String, @Nullable Object> data = new LinkedHashMap<>();
        data.put("result", outcome.result());
        data.put("reason", outcome.reason());
        data.put("message", outcome.message());
        data.put("files", outcome.files());
        data.put("duration_ms", duration(turn).toMillis());
        data.put("usage", usage(turn));
        return data;
    }

    private static Duration duration(TurnRow turn) {
        Instant start = Objects.requireNonNullElse(turn.startedAt(), turn.createdAt());
        return Duration.between(start, Objects.requireNonNullElse(turn.finishedAt(), start));
    }

    private Usage usage(TurnRow turn) {
        List<Ledger.Usage> byModel = ledger.usage(turn.sessionId(), turn.id());
        return new Usage(
                byModel.stream().mapToLong(Ledger.Usage::calls).sum(),
                byModel.stream().mapToLong(Ledger.Usage::inputTokens).sum(),
                byModel.stream().mapToLong(Ledger.Usage::outputTokens).sum(),
                new Money(byModel.stream().mapToLong(Ledger.Usage::costNanoUsd).sum()).usd());
    }

    private record Usage(long calls, long inputTokens, long outputTokens, BigDecimal costUsd) {}
}
