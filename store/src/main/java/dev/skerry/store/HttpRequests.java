package dev.skerry.store;

import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** Brokered requests by their keys, so that none is made twice. */
@Repository
public class HttpRequests {
    private final JdbcClient jdbc;

    HttpRequests(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** What a key is known for. */
    public sealed interface Claim {
        /** The request is the caller's to make; then {@link #answer}, {@link #unknown} or {@link #release} must follow. */
        record Fresh() implements Claim {}

        record Answered(String answer) implements Claim {}

        record InFlight() implements Claim {}

        /** Whether the first attempt had its effect is not known. */
        record Unknown() implements Claim {}

        /** The key stands for another request. */
        record Mismatch() implements Claim {}
    }

    /**
     * Claims a key. An attempt that has not ended after {@code longest} died: it may be made again if it is {@code repeatable}, else
     * it is unknown for ever.
     */
    @Transactional
    public Claim claim(
            String sessionId, String key, byte[] requestSha256, int incarnation, boolean repeatable, Duration longest) {
        boolean fresh = jdbc.sql("""
                                insert into http_requests (session_id, key, request_sha256, incarnation, state)
                                values (:session, :key, :request, :incarnation, 'begun') on conflict do nothing""")
                        .param("session", sessionId)
                        .param("key", key)
                        .param("request", requestSha256)
                        .param("incarnation", incarnation)
                        .update()
                == 1;
        if (fresh) {
            return new Claim.Fresh();
        }
        Stored stored = jdbc.sql("""
                        select request_sha256, state, answer, begun_at < now() - :longest * interval '1 millisecond' as dead
                        from http_requests where session_id = :session and key = :key for update""")
                .param("session", sessionId)
                .param("key", key)
                .param("longest", longest.toMillis())
                .query((row, n) -> new Stored(
                        row.getBytes("request_sha256"),
                        row.getString("state"),
                        row.getString("answer"),
                        row.getBoolean("dead")))
                .optional()
                .orElse(null);
        if (stored == null) {
            return new Claim.InFlight();
        }
        if (!Arrays.equals(stored.request(), requestSha256)) {
            return new Claim.Mismatch();
        }
        if (stored.answer() != null) {
            return new Claim.Answered(stored.answer());
        }
        if (stored.state().equals("unknown")) {
            return new Claim.Unknown();
        }
        return stored.dead() ? again(sessionId, key, repeatable) : new Claim.InFlight();
    }

    private record Stored(
            byte[] request, String state, @Nullable String answer, boolean dead) {}

    private Claim again(String sessionId, String key, boolean repeatable) {
        if (!repeatable) {
            unknown(sessionId, key);
            return new Claim.Unknown();
        }
        jdbc.sql("update http_requests set begun_at = now() where session_id = :session and key = :key")
                .param("session", sessionId)
                .param("key", key)
                .update();
        return new Claim.Fresh();
    }

    public void answer(String sessionId, String key, String answer) {
        jdbc.sql("""
                        update http_requests set state = 'answered', answer = :answer, answered_at = now()
                        where session_id = :session and key = :key""")
                .param("session", sessionId)
                .param("key", key)
                .param("answer", answer)
                .update();
    }

    /** The request may have had its effect: it is never made again. */
    public void unknown(String sessionId, String key) {
        jdbc.sql("update http_requests set state = 'unknown' where session_id = :session and key = :key")
                .param("session", sessionId)
                .param("key", key)
                .update();
    }

    /** Nothing was sent: the key is as good as new. */
    public void release(String sessionId, String key) {
        jdbc.sql("delete from http_requests where session_id = :session and key = :key and state = 'begun'")
                .param("session", sessionId)
                .param("key", key)
                .update();
    }

    /** How many requests a session has begun in the last while. */
    public int begunWithin(String sessionId, Duration last) {
        return jdbc.sql("""
                        select count(*) from http_requests
                        where session_id = :session and begun_at > now() - :last * interval '1 millisecond'""")
                .param("session", sessionId)
                .param("last", last.toMillis())
                .query(Integer.class)
                .single();
    }
}
