package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The durable, gapless, numbered log of each session; every append wakes whoever listens. */
@Repository
public class Events {
    private final JdbcClient jdbc;

    Events(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** One event; {@code data} is a JSON object. */
    public record EventRow(
            String sessionId,
            long seq,
            String type,
            Instant at,
            @Nullable String turnId,
            @Nullable Integer incarnation,
            String data) {
        static EventRow from(ResultSet row, int ignored) throws SQLException {
            return new EventRow(
                    row.getString("session_id"),
                    row.getLong("seq"),
                    row.getString("type"),
                    Columns.instant(row, "at"),
                    row.getString("turn_id"),
                    Columns.nullableInt(row, "incarnation"),
                    row.getString("data"));
        }
    }

    /**
     * An event to append.
     *
     * @param data a JSON object
     * @param audit what the audit log keeps of it; null when that is nothing
     */
    public record Entry(
            String type,
            @Nullable String turnId,
            @Nullable Integer incarnation,
            String data,
            @Nullable String audit) {}

    /** Appends with the next number and notifies when the surrounding transaction commits. */
    public long append(
            String sessionId, String type, @Nullable String turnId, @Nullable Integer incarnation, String data) {
        return append(sessionId, new Entry(type, turnId, incarnation, data, null));
    }

    /** Like the other, with its entry in the audit log. */
    public long append(String sessionId, Entry entry) {
        return appending(jdbc.sql("""
                        with numbered as (
                            update sessions set last_event = last_event + 1 where id = :session returning id as chain, last_event),
                        %s
                        select seq, pg_notify('skerry_events', :session) from appended""".formatted(appending("numbered", entry))), entry)
                .param("session", sessionId)
                .query((row, n) -> row.getLong("seq"))
                .single();
    }

    /** Common table expressions that append to the sessions that {@code source} names in its columns {@code chain} and {@code last_event}. */
    static String appending(String source, Entry entry) {
        String appended = """
                appended as (
                    insert into events (session_id, seq, type, turn_id, incarnation, data)
                    select chain, last_event, :type, :turn, :incarnation, :data::jsonb from %s returning seq)""".formatted(source);
        return entry.audit() == null ? appended : appended + ",\n" + Audit.appending(source);
    }

    /** Gives a statement the parameters of {@link #appending(String, Entry)}. */
    static JdbcClient.StatementSpec appending(JdbcClient.StatementSpec statement, Entry entry) {
        statement
                .param("type", entry.type())
                .param("turn", entry.turnId(), Types.VARCHAR)
                .param("incarnation", entry.incarnation(), Types.INTEGER)
                .param("data", entry.data());
        return entry.audit() == null ? statement : statement.params(Audit.parameters(entry.type(), entry.audit()));
    }

    /** Oldest first, after {@code seq}, at most {@code limit}. */
    public List<EventRow> list(String sessionId, long afterSeq, int limit) {
        return jdbc.sql("select * from events where session_id = :session and seq > :after order by seq limit :limit")
                .param("session", sessionId)
                .param("after", afterSeq)
                .param("limit", limit)
                .query(EventRow::from)
                .list();
    }

    /** Whether a turn has an event of this type. */
    public boolean has(String sessionId, String turnId, String type) {
        return jdbc.sql(
                        "select exists (select 1 from events where session_id = :session and turn_id = :turn and type = :type)")
                .param("session", sessionId)
                .param("turn", turnId)
                .param("type", type)
                .query(Boolean.class)
                .single();
    }

    /** Tells listeners something that is not kept, such as a piece of an answer; at most 7,900 bytes of UTF-8. */
    public void publishTransient(String payload) {
        jdbc.sql("select pg_notify('skerry_deltas', :payload)")
                .param("payload", payload)
                .query((row, n) -> true)
                .single();
    }
}
