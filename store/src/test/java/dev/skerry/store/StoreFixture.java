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
        return turns.append(session, "trn_" + UUID.randomUUID()).id();
    }

    void capTenant(String session, long capNanoUsd) {
        jdbc.sql(
                        "update tenants set cap_nano_usd = :cap where id = (select tenant_id from sessions where id = :session)")
                .param("cap", capNanoUsd)
                .param("session", session)
                .update();
    }
}
