package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One session as stored; money in nano-dollars, timeouts in milliseconds, {@code labels} and {@code profile} as JSON text.
 *
 * @param status one of the lifecycle states, in lower case
 * @param incarnation number of the newest incarnation, 0 before the first
 */
public record SessionRow(
        String id,
        String tenantId,
        String status,
        @Nullable String reasonCode,
        @Nullable String reasonMessage,
        @Nullable String stopReason,
        String model,
        boolean rehearsal,
        @Nullable String profile,
        @Nullable String provider,
        @Nullable String metro,
        @Nullable String driver,
        int incarnation,
        long capNanoUsd,
        long reservedNanoUsd,
        long spentNanoUsd,
        long idleTimeoutMs,
        long suspendedTtlMs,
        long lifetimeMs,
        String labels,
        int workspaceVersion,
        Instant createdAt,
        Instant updatedAt,
        @Nullable Instant endedAt) {

    /** True once nothing may change the session any more, or its end has begun. */
    public boolean ending() {
        return status.equals("terminating") || ended();
    }

    public boolean ended() {
        return status.equals("terminated") || status.equals("failed");
    }

    /** True while nothing has acted on the session yet: perhaps because nobody was told of it. */
    public boolean unborn() {
        return status.equals("provisioning") && incarnation == 0;
    }

    static SessionRow from(ResultSet row, int ignored) throws SQLException {
        return new SessionRow(
                row.getString("id"),
                row.getString("tenant_id"),
                row.getString("status"),
                row.getString("reason_code"),
                row.getString("reason_message"),
                row.getString("stop_reason"),
                row.getString("model"),
                row.getBoolean("rehearsal"),
                row.getString("profile"),
                row.getString("provider"),
                row.getString("metro"),
                row.getString("driver"),
                row.getInt("incarnation"),
                row.getLong("cap_nano_usd"),
                row.getLong("reserved_nano_usd"),
                row.getLong("spent_nano_usd"),
                row.getLong("idle_timeout_ms"),
                row.getLong("suspended_ttl_ms"),
                row.getLong("lifetime_ms"),
                row.getString("labels"),
                row.getInt("workspace_version"),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"),
                Columns.nullableInstant(row, "ended_at"));
    }
}
