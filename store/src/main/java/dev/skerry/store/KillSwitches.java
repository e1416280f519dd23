package dev.skerry.store;

import java.time.Instant;
import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** What an operator has stopped: a session, a tenant or everything. Read with every token, so that it counts at once everywhere. */
@Repository
public class KillSwitches {
    private static final String STOPS = "select " + stopped(":session");

    private final JdbcClient jdbc;

    KillSwitches(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** How much is stopped. */
    public enum Scope {
        PLATFORM,
        TENANT,
        SESSION;

        String code() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** One engaged switch; the platform's target is {@code *}. */
    public record Engaged(String scope, String target, String reason, Instant engagedAt) {}

    /** Whether there is what is to be stopped. */
    public boolean known(Scope scope, String target) {
        return switch (scope) {
            case PLATFORM -> true;
            case TENANT -> exists("select exists (select 1 from tenants where id = :target)", target);
            case SESSION -> exists("select exists (select 1 from sessions where id = :target)", target);
        };
    }

    private boolean exists(String sql, String target) {
        return jdbc.sql(sql).param("target", target).query(Boolean.class).single();
    }

    /** Stops, and wakes everybody who waits. The first reason stays. */
    @Transactional
    public void engage(Scope scope, String target, String reason) {
        jdbc.sql("""
                        insert into kill_switches (scope, target, reason) values (:scope, :target, :reason)
                        on conflict do nothing""")
                .param("scope", scope.code())
                .param("target", target)
                .param("reason", reason)
                .update();
        wakeEverybody();
    }

    /** Answers false when it was not engaged. */
    @Transactional
    public boolean release(Scope scope, String target) {
        boolean released = jdbc.sql("delete from kill_switches where scope = :scope and target = :target")
                        .param("scope", scope.code())
                        .param("target", target)
                        .update()
                == 1;
        wakeEverybody();
        return released;
    }

    public List<Engaged> list() {
        return jdbc.sql("select * from kill_switches order by scope, target")
                .query((row, n) -> new Engaged(
                        row.getString("scope"),
                        row.getString("target"),
                        row.getString("reason"),
                        Columns.instant(row, "engaged_at")))
                .list();
    }

    /** Whether this session may do nothing at present. */
    public boolean stops(String sessionId) {
        return jdbc.sql(STOPS).param("session", sessionId).query(Boolean.class).single();
    }

    /** A condition: whether the session that this expression names may do nothing at present. */
    static String stopped(String session) {
        return """
                exists (select 1 from kill_switches
                    where scope = 'platform' or (scope = 'session' and target = %1$s)
                       or (scope = 'tenant' and target = (select tenant_id from sessions where id = %1$s)))""".formatted(session);
    }

    private void wakeEverybody() {
        jdbc.sql("select pg_notify('skerry_sandbox', '')")
                .query((row, n) -> true)
                .list();
    }
}
