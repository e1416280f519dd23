package dev.skerry.store;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Turns: one user message and everything done about it. */
@Repository
public class Turns {
    /** Why a turn is over whose message was refused: it is no part of the conversation. */
    public static final String NOT_DELIVERED = "not_delivered";

    private final JdbcClient jdbc;

    Turns(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** Ids of the turns that are not over, oldest first. */
    public List<String> open(String sessionId) {
        return jdbc.sql("select id from turns where session_id = :session and finished_at is null order by ordinal")
                .param("session", sessionId)
                .query(String.class)
                .list();
    }

    /**
     * Appends a queued turn to an existing session, in order; run it inside the transaction that stores the user's message. Empty when
     * the session has ended or is ending: whoever ends it then looks for its turns afterwards, and finds each.
     */
    public Optional<TurnRow> append(String sessionId, String turnId, @Nullable String traceParent) {
        return jdbc.sql("""
                        with numbered as (
                            update sessions set last_turn = last_turn + 1, updated_at = now()
                            where id = :session and status not in ('terminating', 'terminated', 'failed') returning last_turn)
                        insert into turns (id, session_id, ordinal, status, trace_parent)
                        select :id, :session, last_turn, 'queued', :trace from numbered
                        returning *""")
                .param("id", turnId)
                .param("session", sessionId)
                .param("trace", traceParent)
                .query(TurnRow::from)
                .optional();
    }

    /** How many turns of a session wait, as of now for whoever has just appended one. */
    public int waiting(String sessionId) {
        return jdbc.sql("select count(*) from turns where session_id = :session and status = 'queued'")
                .param("session", sessionId)
                .query(Integer.class)
                .single();
    }

    /** Turns that have waited since before {@code since} and still do though their session has ended, oldest first. */
    public List<TurnRow> stranded(Instant since, int limit) {
        return jdbc.sql("""
                        select t.* from turns t join sessions s on s.id = t.session_id
                        where t.status = 'queued' and t.created_at < :since and s.status in ('terminated', 'failed')
                        order by t.created_at limit :limit""")
                .param("since", Columns.utc(since))
                .param("limit", limit)
                .query(TurnRow::from)
                .list();
    }

    public Optional<TurnRow> find(String sessionId, String turnId) {
        return jdbc.sql("select * from turns where id = :id and session_id = :session")
                .param("id", turnId)
                .param("session", sessionId)
                .query(TurnRow::from)
                .optional();
    }

    public List<TurnRow> list(String sessionId) {
        return jdbc.sql("select * from turns where session_id = :session order by ordinal")
                .param("session", sessionId)
                .query(TurnRow::from)
                .list();
    }

    /** The turn that this incarnation is to work on. */
    public Optional<TurnRow> runningOn(String sessionId, int incarnation) {
        return jdbc.sql(
                        "select * from turns where session_id = :session and incarnation = :incarnation and status = 'running'")
                .param("session", sessionId)
                .param("incarnation", incarnation)
                .query(TurnRow::from)
                .optional();
    }

    /**
     * Gives a turn to an incarnation, and wakes its waiting poll when the surrounding transaction commits. Giving it again to the same one
     * renews the task token without counting an attempt. Empty when the turn is over, is to be cancelled, or was given to a higher
     * incarnation.
     */
    public Optional<TurnRow> give(String sessionId, String turnId, int incarnation, byte[] taskToken) {
        return jdbc.sql("""
                        with given as (
                            update turns set status = 'running', task_token = :token,
                                attempt = attempt + case when incarnation is distinct from :incarnation then 1 else 0 end,
                                incarnation = :incarnation, started_at = coalesce(started_at, now())
                            where id = :id and session_id = :session and finished_at is null and not cancel_requested
                              and coalesce(incarnation, 0) <= :incarnation
                            returning *)
                        select given.*, pg_notify('skerry_sandbox', session_id) from given""")
                .param("id", turnId)
                .param("session", sessionId)
                .param("incarnation", incarnation)
                .param("token", taskToken)
                .query(TurnRow::from)
                .optional();
    }

    /** Answers false when the turn is over or unknown. */
    public boolean requestCancel(String sessionId, String turnId) {
        return jdbc.sql(
                                "update turns set cancel_requested = true where id = :id and session_id = :session and finished_at is null")
                        .param("id", turnId)
                        .param("session", sessionId)
                        .update()
                == 1;
    }

    /** Records the outcome once; empty when it has one already. */
    public Optional<TurnRow> finish(
            String sessionId,
            String turnId,
            String status,
            @Nullable String result,
            @Nullable String reasonCode,
            @Nullable String reasonMessage,
            String files) {
        return jdbc.sql("""
                        update turns set status = :status, result = :result, reason_code = :code, reason_message = :message,
                            files = :files::jsonb, finished_at = now(), started_at = coalesce(started_at, now())
                        where id = :id and session_id = :session and finished_at is null
                        returning *""")
                .param("id", turnId)
                .param("session", sessionId)
                .param("status", status)
                .param("result", result)
                .param("code", reasonCode)
                .param("message", reasonMessage)
                .param("files", files)
                .query(TurnRow::from)
                .optional();
    }
}
