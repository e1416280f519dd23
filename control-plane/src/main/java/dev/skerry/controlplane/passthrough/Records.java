package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.budget.Books;
import dev.skerry.controlplane.budget.Reserved;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.event.StoredText;
import dev.skerry.controlplane.llm.Usage;
import dev.skerry.store.Events;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** Writes a passed answer into its session's log together with what it cost. */
@Component
class Records {
    private static final Logger log = LoggerFactory.getLogger(Records.class);
    private static final int LONGEST_TEXT = 64 * 1024;

    private final SessionLog sessionLog;
    private final Books books;

    Records(SessionLog sessionLog, Books books) {
        this.sessionLog = sessionLog;
        this.books = books;
    }

    private record Used(long inputTokens, long outputTokens, BigDecimal costUsd) {}

    /** Settles in any case, even if the answer cannot be recorded. */
    void answered(Reserved reserved, Meter meter, Usage usage, Duration took) {
        try {
            Events.Entry entry = sessionLog.entry(
                    "model.response",
                    reserved.purpose().turn(),
                    reserved.purpose().incarnation(),
                    Map.of(
                            "via", reserved.purpose().via(),
                            "model", reserved.model().id(),
                            "text", StoredText.of(meter.text(), LONGEST_TEXT),
                            "tool_calls",
                                    meter.tools().stream()
                                            .map(name -> Map.of("name", StoredText.of(name, 128)))
                                            .toList(),
                            "stop_reason", StoredText.of(meter.stopReason(), 64),
                            "usage",
                                    new Used(
                                            usage.allInputTokens(),
                                            usage.outputTokens(),
                                            reserved.model().cost(usage).usd()),
                            "duration_ms", took.toMillis()));
            books.settle(reserved, usage, entry);
        } catch (DataAccessException | TransactionException e) {
            log.warn(
                    "session {}: a passed answer is settled later and not recorded: {}",
                    reserved.purpose().session(),
                    e.toString());
            books.settleSurely(reserved, usage);
        }
    }
}
