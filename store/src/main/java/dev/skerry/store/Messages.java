package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The conversation: append-only, in one order per session. */
@Repository
public class Messages {
    private final JdbcClient jdbc;

    Messages(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * One message.
     *
     * @param position counts up from 1 within the session
     * @param content JSON array of content blocks
     * @param callSeq for an assistant message, the number of the model call within its turn
     */
    public record MessageRow(
            String sessionId,
            long position,
            String id,
            String turnId,
            String role,
            String content,
            @Nullable String toolCallId,
            boolean isError,
            @Nullable Integer callSeq,
            @Nullable String stopReason,
            Instant at) {
        static MessageRow from(ResultSet row, int ignored) throws SQLException {
            return new MessageRow(
                    row.getString("session_id"),
                    row.getLong("position"),
                    row.getString("id"),
                    row.getString("turn_id"),
                    row.getString("role"),
                    row.getString("content"),
                    row.getString("tool_call_id"),
                    row.getBoolean("is_error"),
                    Columns.nullableInt(row, "call_seq"),
                    row.getString("stop_reason"),
                    Columns.instant(row, "at"));
        }
    }

    /** Appends what a person said. */
    public MessageRow appendUser(String sessionId, String turnId, String messageId, String content) {
        return append(sessionId, turnId, messageId, "user", content, null, false, null, null);
    }

    /** Appends what the model provider answered to call {@code callSeq} of the turn. */
    public MessageRow appendAssistant(
            String sessionId, String turnId, String messageId, String content, int callSeq, String stopReason) {
        return append(sessionId, turnId, messageId, "assistant", content, null, false, callSeq, stopReason);
    }

    /** Appends what a sandbox claims a tool returned; a second result for one call violates a constraint. */
    public MessageRow appendToolResult(
            String sessionId, String turnId, String messageId, String content, String toolCallId, boolean isError) {
        return append(sessionId, turnId, messageId, "tool", content, toolCallId, isError, null, null);
    }

    private MessageRow append(
            String sessionId,
            String turnId,
            String messageId,
            String role,
            String content,
            @Nullable String toolCallId,
            boolean isError,
            @Nullable Integer callSeq,
            @Nullable String stopReason) {
        return jdbc.sql("""
                        with numbered as (
                            update sessions set last_message = last_message + 1, updated_at = now() where id = :session returning last_message)
                        insert into messages (session_id, position, id, turn_id, role, content, tool_call_id, is_error, call_seq, stop_reason)
                        select :session, last_message, :id, :turn, :role, :content::jsonb, :call, :error, :seq, :stop from numbered
                        returning *""")
                .param("session", sessionId)
                .param("id", messageId)
                .param("turn", turnId)
                .param("role", role)
                .param("content", content)
                .param("call", toolCallId)
                .param("error", isError)
                .param("seq", callSeq, java.sql.Types.INTEGER)
                .param("stop", stopReason)
                .query(MessageRow::from)
                .single();
    }

    /** Oldest first, after {@code position}, at most {@code limit}. */
    public List<MessageRow> list(String sessionId, long afterPosition, int limit) {
        return jdbc.sql(
                        "select * from messages where session_id = :session and position > :after order by position limit :limit")
                .param("session", sessionId)
                .param("after", afterPosition)
                .param("limit", limit)
                .query(MessageRow::from)
                .list();
    }

    /**
     * What the model may see for a turn after what was condensed (null: from the beginning), oldest first: messages of this turn and of
     * earlier ones that are over, but not those of turns that still wait, whichever came first, nor of those that were never accepted.
     */
    public List<MessageRow> upToTurn(String sessionId, int turnOrdinal, @Nullable Condensation condensed) {
        return jdbc.sql("""
                        with condensed as materialized (
                            select t.ordinal, m.position from messages m join turns t on t.id = m.turn_id where m.id = :condensed)
                        select m.* from turns t join messages m on m.turn_id = t.id
                        where t.session_id = :session and t.ordinal <= :ordinal
                          and (t.ordinal = :ordinal
                               or (t.finished_at is not null and t.reason_code is distinct from :undelivered))
                          and t.ordinal >= coalesce((select ordinal from condensed), 0)
                          and (t.ordinal, m.position) >
                              (coalesce((select ordinal from condensed), 0), coalesce((select position from condensed), 0))
                        order by t.ordinal, m.position""")
                .param("session", sessionId)
                .param("ordinal", turnOrdinal)
                .param("undelivered", Turns.NOT_DELIVERED)
                .param("condensed", condensed == null ? null : condensed.messageId(), java.sql.Types.VARCHAR)
                .query(MessageRow::from)
                .list();
    }

    /** Everything said in one turn, oldest first. */
    public List<MessageRow> ofTurn(String turnId) {
        return jdbc.sql("select * from messages where turn_id = :turn order by position")
                .param("turn", turnId)
                .query(MessageRow::from)
                .list();
    }

    public Optional<MessageRow> answerTo(String turnId, int callSeq) {
        return jdbc.sql("select * from messages where turn_id = :turn and call_seq = :seq and role = 'assistant'")
                .param("turn", turnId)
                .param("seq", callSeq)
                .query(MessageRow::from)
                .optional();
    }

    /** What stands in a model's view for a session's messages up to and including {@code messageId}. */
    public record Condensation(String messageId, String text) {}

    /** The newest condensation of a session that reaches no further than a turn. */
    public Optional<Condensation> condensation(String sessionId, int turnOrdinal) {
        return jdbc.sql("""
                        select c.message_id, c.text from condensations c
                        join messages m on m.id = c.message_id join turns t on t.id = m.turn_id
                        where c.session_id = :session and t.ordinal <= :ordinal
                        order by c.number desc limit 1""")
                .param("session", sessionId)
                .param("ordinal", turnOrdinal)
                .query((row, n) -> new Condensation(row.getString("message_id"), row.getString("text")))
                .optional();
    }

    public void condense(String sessionId, String messageId, String text) {
        jdbc.sql("insert into condensations (session_id, message_id, text) values (:session, :message, :text)")
                .param("session", sessionId)
                .param("message", messageId)
                .param("text", text)
                .update();
    }

    /** The number that the next model call of a turn carries, counting from 1. */
    public int nextCallSeq(String turnId) {
        return jdbc.sql("select coalesce(max(call_seq), 0) + 1 from messages where turn_id = :turn")
                .param("turn", turnId)
                .query(Integer.class)
                .single();
    }
}
