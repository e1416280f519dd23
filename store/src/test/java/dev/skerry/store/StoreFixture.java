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
        return turns.append(session, "trn_" + UUID.randomUUID(), null).id();
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
