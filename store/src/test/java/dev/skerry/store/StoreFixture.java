package dev.skerry.store;

import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Rows for tests to start from. */
@Component
class StoreFixture {
    private final JdbcClient jdbc;
    private final ApiKeys apiKeys;
    private final Sessions sessions;
    private final Turns turns;

    StoreFixture(JdbcClient jdbc, ApiKeys apiKeys, Sessions sessions, Turns turns) {
        this.jdbc = jdbc;
        this.apiKeys = apiKeys;
        this.sessions = sessions;
        this.turns = turns;
    }

    String session(long capNanoUsd) {
        String tenant = "ten_" + UUID.randomUUID();
        String session = "ses_" + UUID.randomUUID();
        apiKeys.ensureTenant(tenant, "Test");
        sessions.insert(new Sessions.NewSession(session, tenant, "m", false, capNanoUsd, 1, 1, 1, "{}"));
        return session;
    }

    String turn(String session) {
        return turns.append(session, "trn_" + UUID.randomUUID(), null)
                .orElseThrow()
                .id();
    }

    /** Turns that are over, each with so many messages. */
    void pastTurns(String session, int count, int messagesEach) {
        jdbc.sql("""
                        insert into turns (id, session_id, ordinal, status, attempt, incarnation, finished_at)
                        select :session || 't' || n, :session, n, 'completed', 1, 7, now() from generate_series(1, :count) n""").param("session", session).param("count", count).update();
        jdbc.sql("""
                        insert into messages (session_id, position, id, turn_id, role, content)
                        select :session, n, :session || 'm' || n, :session || 't' || (1 + (n - 1) / :each), 'user', '[]'
                        from generate_series(1, :count * :each) n""")
                .param("session", session)
                .param("count", count)
                .param("each", messagesEach)
                .update();
        jdbc.sql("update sessions set last_turn = :count, last_message = :count * :each where id = :session")
                .param("session", session)
                .param("count", count)
                .param("each", messagesEach)
                .update();
    }

    void capTenant(String session, long capNanoUsd) {
        jdbc.sql(
                        "update tenants set cap_nano_usd = :cap where id = (select tenant_id from sessions where id = :session)")
                .param("cap", capNanoUsd)
                .param("session", session)
                .update();
    }

    String sessionNextTo(String other, long capNanoUsd) {
        String session = "ses_" + UUID.randomUUID();
        String tenant = sessions.find(other).orElseThrow().tenantId();
        sessions.insert(new Sessions.NewSession(session, tenant, "m", false, capNanoUsd, 1, 1, 1, "{}"));
        turn(session);
        return session;
    }

    /** Some turn of the session. */
    String turnOf(String session) {
        return jdbc.sql("select id from turns where session_id = :session limit 1")
                .param("session", session)
                .query(String.class)
                .optional()
                .orElseGet(() -> turn(session));
    }

    long platformInUse() {
        return jdbc.sql("select reserved_nano_usd + spent_nano_usd from platform")
                .query(Long.class)
                .single();
    }

    /** The second half of a settlement: the books above the call, in the order of the ledger. */
    void giveBack(String session, long nanoUsd) {
        for (String sql : new String[] {
            "update sessions set reserved_nano_usd = reserved_nano_usd - :much where id = :session",
            "update tenants set reserved_nano_usd = reserved_nano_usd - :much where id = (select tenant_id from sessions where id = :session)",
            "update platform set reserved_nano_usd = reserved_nano_usd - :much where :session <> ''"
        }) {
            jdbc.sql(sql).param("much", nanoUsd).param("session", session).update();
        }
    }

    boolean somebodyWaitsForALock() {
        return jdbc.sql(
                        "select exists (select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')")
                .query(Boolean.class)
                .single();
    }

    void silence(String controlPlane, int seconds) {
        jdbc.sql("update control_planes set seen_at = now() - :seconds * interval '1 second' where id = :id")
                .param("seconds", seconds)
                .param("id", controlPlane)
                .update();
    }

    void age(String call, int seconds) {
        jdbc.sql("update model_calls set created_at = now() - :seconds * interval '1 second' where id = :id")
                .param("seconds", seconds)
                .param("id", call)
                .update();
    }
}
