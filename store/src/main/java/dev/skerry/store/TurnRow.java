package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One turn as stored.
 *
 * @param status queued, running, completed, failed, cancelled or limit
 * @param attempt how many incarnations it was given to
 * @param incarnation the incarnation it was last given to
 * @param taskToken Temporal's token of the activity that waits for the outcome
 * @param files JSON array of paths
 * @param traceParent the trace in which the turn was asked for, as W3C Trace Context writes it
 */
public record TurnRow(
        String id,
        String sessionId,
        int ordinal,
        String status,
        int attempt,
        @Nullable Integer incarnation,
        byte @Nullable [] taskToken,
        boolean cancelRequested,
        @Nullable String result,
        @Nullable String reasonCode,
        @Nullable String reasonMessage,
        String files,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        @Nullable String traceParent) {

    public boolean over() {
        return finishedAt != null;
    }

    static TurnRow from(ResultSet row, int ignored) throws SQLException {
        return new TurnRow(
                row.getString("id"),
                row.getString("session_id"),
                row.getInt("ordinal"),
                row.getString("status"),
                row.getInt("attempt"),
                Columns.nullableInt(row, "incarnation"),
                row.getBytes("task_token"),
                row.getBoolean("cancel_requested"),
                row.getString("result"),
                row.getString("reason_code"),
                row.getString("reason_message"),
                row.getString("files"),
                Columns.instant(row, "created_at"),
                Columns.nullableInstant(row, "started_at"),
                Columns.nullableInstant(row, "finished_at"),
                row.getString("trace_parent"));
    }
}
