package dev.skerry.store;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Session rows; every read that serves a person names the tenant. */
@Repository
public class Sessions {
    private final JdbcClient jdbc;

    Sessions(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** What a session starts with; see {@link SessionRow} for units. */
    public record NewSession(
            String id,
            String tenantId,
            String model,
            boolean rehearsal,
            long capNanoUsd,
            long idleTimeoutMs,
            long suspendedTtlMs,
            long lifetimeMs,
            String labels) {}

    /** Where a listing goes on: after this creation time and id, newest first. */
    public record Cursor(Instant createdAt, String id) {}

    /** Answers false when the id exists already, whoever owns it. */
    public boolean insert(NewSession session) {
        return jdbc.sql("""
                        insert into sessions (id, tenant_id, status, model, rehearsal, cap_nano_usd,
                                              idle_timeout_ms, suspended_ttl_ms, lifetime_ms, labels)
                        values (:id, :tenant, 'provisioning', :model, :rehearsal, :cap, :idle, :suspended, :lifetime, :labels::jsonb)
                        on conflict (id) do nothing""")
                        .param("id", session.id())
                        .param("tenant", session.tenantId())
                        .param("model", session.model())
                        .param("rehearsal", session.rehearsal())
                        .param("cap", session.capNanoUsd())
                        .param("idle", session.idleTimeoutMs())
                        .param("suspended", session.suspendedTtlMs())
                        .param("lifetime", session.lifetimeMs())
                        .param("labels", session.labels())
                        .update()
                == 1;
    }

    /** Has another program than the built-in loop work for this session; a JSON list of the program and its arguments. */
    public void setAgentCommand(String id, String command) {
        jdbc.sql("update sessions set agent_command = :command::jsonb where id = :id")
                .param("id", id)
                .param("command", command)
                .update();
    }

    /** Empty for the built-in loop. */
    public Optional<String> agentCommand(String id) {
        return jdbc.sql("select agent_command::text from sessions where id = :id and agent_command is not null")
                .param("id", id)
                .query(String.class)
                .optional();
    }

    public Optional<SessionRow> find(String tenantId, String id) {
        return jdbc.sql("select * from sessions where id = :id and tenant_id = :tenant")
                .param("id", id)
                .param("tenant", tenantId)
                .query(SessionRow::from)
                .optional();
    }

    /** For the control plane, which knows the session from a token and not from a person. */
    public Optional<SessionRow> find(String id) {
        return jdbc.sql("select * from sessions where id = :id")
                .param("id", id)
                .query(SessionRow::from)
                .optional();
    }

    /** Newest first, at most {@code limit}. */
    public List<SessionRow> list(String tenantId, @Nullable String status, @Nullable Cursor after, int limit) {
        return jdbc.sql("""
                        select * from sessions
                        where tenant_id = :tenant
                          and (:status::text is null or status = :status)
                          and (:at::timestamptz is null or (created_at, id) < (:at, :id))
                        order by created_at desc, id desc limit :limit""")
                .param("tenant", tenantId)
                .param("status", status)
                .param("at", after == null ? null : Columns.utc(after.createdAt()))
                .param("id", after == null ? null : after.id())
                .param("limit", limit)
                .query(SessionRow::from)
                .list();
    }

    /**
     * Sessions that look as if their workflow had not been told: nothing has acted on them since they were created, or a turn waits
     * though the session has nothing to do; in each case since before {@code since}. By id, after {@code afterId}, at most
     * {@code limit}.
     */
    public List<SessionRow> neglected(Instant since, String afterId, int limit) {
        return jdbc.sql("""
                        select * from sessions s
                        where id > :after
                          and ((status = 'provisioning' and incarnation = 0 and created_at < :since)
                               or (status in ('idle', 'suspended') and exists (
                                   select 1 from turns t where t.session_id = s.id and t.status = 'queued' and t.created_at < :since)))
                        order by id limit :limit""")
                .param("after", afterId)
                .param("since", Columns.utc(since))
                .param("limit", limit)
                .query(SessionRow::from)
                .list();
    }

    /** Sessions that have been ending since before {@code since}; by id, after {@code afterId}, at most {@code limit}. */
    public List<SessionRow> terminating(Instant since, String afterId, int limit) {
        return jdbc.sql(
                        "select * from sessions where id > :after and status = 'terminating' and updated_at < :since order by id limit :limit")
                .param("after", afterId)
                .param("since", Columns.utc(since))
                .param("limit", limit)
                .query(SessionRow::from)
                .list();
    }

    /**
     * Projects the workflow's state onto the row, once per transition: a number that is not above the last one changes nothing and
     * answers false. A null leaves provider, metro and incarnation as they are; reason is always replaced. An ended session stays
     * ended.
     */
    public boolean project(
            String id,
            long transition,
            String status,
            @Nullable String reasonCode,
            @Nullable String reasonMessage,
            @Nullable Integer incarnation,
            @Nullable String provider,
            @Nullable String metro) {
        return jdbc.sql("""
                        update sessions set status = :status, reason_code = :code, reason_message = :message,
                            incarnation = coalesce(:incarnation, incarnation),
                            provider = coalesce(:provider, provider), metro = coalesce(:metro, metro),
                            updated_at = now(), last_transition = :transition,
                            ended_at = case when :status in ('terminated', 'failed') then coalesce(ended_at, now()) end
                        where id = :id and status not in ('terminated', 'failed') and last_transition < :transition""")
                        .param("id", id)
                        .param("transition", transition)
                        .param("status", status)
                        .param("code", reasonCode)
                        .param("message", reasonMessage)
                        .param("incarnation", incarnation, java.sql.Types.INTEGER)
                        .param("provider", provider, java.sql.Types.VARCHAR)
                        .param("metro", metro, java.sql.Types.VARCHAR)
                        .update()
                == 1;
    }

    /**
     * Sessions that go on, or whose end left an incarnation open, and that have not changed since {@code quietSince}; by id, after
     * {@code afterId}, at most {@code limit}.
     */
    public List<SessionRow> unended(Instant quietSince, String afterId, int limit) {
        return jdbc.sql("""
                        select * from sessions
                        where id > :after and updated_at < :since
                          and (status not in ('terminated', 'failed')
                               or id in (select session_id from incarnations where state <> 'closed'))
                        order by id limit :limit""")
                .param("after", afterId)
                .param("since", Columns.utc(quietSince))
                .param("limit", limit)
                .query(SessionRow::from)
                .list();
    }

    /** The sandbox has said hello: a session that waits for it is idle. */
    public void awake(String id) {
        becomeIdle(id, "'provisioning', 'hardening', 'resuming'");
    }

    /** A turn is over: a session that ran it is idle. */
    public void rest(String id) {
        becomeIdle(id, "'running'");
    }

    private void becomeIdle(String id, String from) {
        jdbc.sql("update sessions set status = 'idle', reason_code = null, reason_message = null, updated_at = now()"
                        + " where id = :id and status in (" + from + ")")
                .param("id", id)
                .update();
    }

    public void setDriver(String id, String driver) {
        jdbc.sql("update sessions set driver = :driver, updated_at = now() where id = :id")
                .param("id", id)
                .param("driver", driver)
                .update();
    }

    public void setStopReason(String id, @Nullable String stopReason) {
        jdbc.sql("update sessions set stop_reason = :reason, updated_at = now() where id = :id")
                .param("id", id)
                .param("reason", stopReason)
                .update();
    }

    /** Pins the system prompt and tools of a session; the first pin stays. Answers what is pinned. */
    public String pinProfile(String id, String profile) {
        return jdbc.sql(
                        "update sessions set profile = coalesce(profile, :profile::jsonb) where id = :id returning profile")
                .param("id", id)
                .param("profile", profile)
                .query(String.class)
                .single();
    }
}
