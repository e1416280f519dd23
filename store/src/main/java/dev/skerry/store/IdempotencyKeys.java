package dev.skerry.store;

import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** Answers that a repeated request gets again. */
@Repository
public class IdempotencyKeys {
    private final JdbcClient jdbc;

    IdempotencyKeys(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** What a key is known for. */
    public sealed interface Claim {
        /** The key is new, or its first request died without an answer: do the work, then {@link #answer}. */
        record Fresh() implements Claim {}

        /** The same request was answered before. */
        record Answered(int status, String body) implements Claim {}

        /** The same request is being worked on. */
        record InFlight() implements Claim {}

        /** The key was used for another request. */
        record Mismatch() implements Claim {}
    }

    /**
     * Claims a key for a request. An unanswered claim older than {@code abandonedBefore} counts as dead, so its retry may do the work.
     */
    @Transactional
    public Claim claim(String tenantId, String key, byte[] requestSha256, Instant abandonedBefore) {
        boolean fresh = jdbc.sql("""
                                insert into idempotency_keys (tenant_id, key, request_sha256) values (:tenant, :key, :request)
                                on conflict do nothing""")
                        .param("tenant", tenantId)
                        .param("key", key)
                        .param("request", requestSha256)
                        .update()
                == 1;
        if (fresh) {
            return new Claim.Fresh();
        }
        Stored stored = jdbc.sql("select * from idempotency_keys where tenant_id = :tenant and key = :key for update")
                .param("tenant", tenantId)
                .param("key", key)
                .query((row, n) -> new Stored(
                        row.getBytes("request_sha256"),
                        Columns.nullableInt(row, "answer_status"),
                        row.getString("answer_body"),
                        Columns.instant(row, "created_at")))
                .single();
        if (!Arrays.equals(stored.request(), requestSha256)) {
            return new Claim.Mismatch();
        }
        if (stored.status() != null && stored.body() != null) {
            return new Claim.Answered(stored.status(), stored.body());
        }
        if (stored.createdAt().isBefore(abandonedBefore)) {
            jdbc.sql("update idempotency_keys set created_at = now() where tenant_id = :tenant and key = :key")
                    .param("tenant", tenantId)
                    .param("key", key)
                    .update();
            return new Claim.Fresh();
        }
        return new Claim.InFlight();
    }

    private record Stored(
            byte[] request,
            @Nullable Integer status,
            @Nullable String body,
            Instant createdAt) {}

    public void answer(String tenantId, String key, int status, String body) {
        jdbc.sql(
                        "update idempotency_keys set answer_status = :status, answer_body = :body where tenant_id = :tenant and key = :key")
                .param("tenant", tenantId)
                .param("key", key)
                .param("status", status)
                .param("body", body)
                .update();
    }

    /** Gives a key back after a request that changed nothing, so that a corrected retry is not refused. */
    public void release(String tenantId, String key) {
        jdbc.sql("delete from idempotency_keys where tenant_id = :tenant and key = :key and answer_status is null")
                .param("tenant", tenantId)
                .param("key", key)
                .update();
    }
}
