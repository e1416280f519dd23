package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
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

    /** Appends with the next number and notifies when the surrounding transaction commits. */
    public long append(
            String sessionId, String type, @Nullable String turnId, @Nullable Integer incarnation, String data) {
        return jdbc.sql("""
                        with numbered as (
                            update sessions set last_event = last_event + 1 where id = :session returning last_event),
                        appended as (
                            insert into events (session_id, seq, type, turn_id, incarnation, data)
                            select :session, last_event, :type, :turn, :incarnation, :data::jsonb from numbered returning seq)
                        select seq, pg_notify('skerry_events', :session) from appended""")
                .param("session", sessionId)
                .param("type", type)
                .param("turn", turnId)
                .param("incarnation", incarnation, java.sql.Types.INTEGER)
                .param("data", data)
                .query((row, n) -> row.getLong("seq"))
                .single();
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
