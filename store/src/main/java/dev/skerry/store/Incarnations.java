package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/**
 * The numbered boots and resumes of a session's sandbox, and the only truth about whose token counts.
 *
 * <p>States: {@code open} waits for hello, {@code live} speaks for the session, {@code frozen} may only exchange its token for that
 * of the incarnation that resumes it, {@code closed} counts for nothing.
 */
@Repository
public class Incarnations {
    private static final String SELECT =
            "select i.*, " + KillSwitches.stopped("i.session_id") + " as stopped from incarnations i ";

    private final JdbcClient jdbc;

    Incarnations(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * One incarnation.
     *
     * @param resumes the frozen incarnation whose box this one wakes, null for a boot
     * @param refusal why hello was refused for good, null when it was not
     * @param stopped whether an operator has stopped the session, its tenant or everything
     */
    public record IncarnationRow(
            String sessionId,
            int number,
            String state,
            @Nullable Integer resumes,
            @Nullable String nonce,
            byte @Nullable [] tokenSha256,
            @Nullable Instant leaseUntil,
            @Nullable Instant lastSeenAt,
            @Nullable String driver,
            @Nullable String probes,
            @Nullable String refusal,
            long lastEvent,
            @Nullable String directive,
            @Nullable Instant flushedAt,
            Instant openedAt,
            @Nullable Instant helloAt,
            boolean stopped) {
        static IncarnationRow from(ResultSet row, int ignored) throws SQLException {
            return new IncarnationRow(
                    row.getString("session_id"),
                    row.getInt("number"),
                    row.getString("state"),
                    Columns.nullableInt(row, "resumes"),
                    row.getString("nonce"),
                    row.getBytes("token_sha256"),
                    Columns.nullableInstant(row, "lease_until"),
                    Columns.nullableInstant(row, "last_seen_at"),
                    row.getString("driver"),
                    row.getString("probes"),
                    row.getString("refusal"),
                    row.getLong("last_event"),
                    row.getString("directive"),
                    Columns.nullableInstant(row, "flushed_at"),
                    Columns.instant(row, "opened_at"),
                    Columns.nullableInstant(row, "hello_at"),
                    row.getBoolean("stopped"));
        }
    }

    /**
     * Records the intent to boot or resume. Idempotent; closes every lower incarnation but the one that is being resumed, which
     * becomes frozen. Empty when this number was closed already or a higher one exists. Run it in a transaction.
     */
    public Optional<IncarnationRow> open(String sessionId, int number, @Nullable Integer resumes) {
        boolean superseded = jdbc.sql(
                        "select exists (select 1 from incarnations where session_id = :session and number > :number)")
                .param("session", sessionId)
                .param("number", number)
                .query(Boolean.class)
                .single();
        if (superseded) {
            return Optional.empty();
        }
        jdbc.sql("""
                        insert into incarnations (session_id, number, state, resumes) values (:session, :number, 'open', :resumes)
                        on conflict (session_id, number) do nothing""")
                .param("session", sessionId)
                .param("number", number)
                .param("resumes", resumes, Types.INTEGER)
                .update();
        jdbc.sql("""
                        update incarnations set state = case when number = :resumes then 'frozen' else 'closed' end,
                            closed_at = case when number = :resumes then null else coalesce(closed_at, now()) end
                        where session_id = :session and number < :number and state <> 'closed'""")
                .param("session", sessionId)
                .param("number", number)
                .param("resumes", resumes, Types.INTEGER)
                .update();
        return find(sessionId, number).filter(row -> !row.state().equals("closed"));
    }

    public Optional<IncarnationRow> find(String sessionId, int number) {
        return jdbc.sql(SELECT + "where session_id = :session and number = :number")
                .param("session", sessionId)
                .param("number", number)
                .query(IncarnationRow::from)
                .optional();
    }

    public Optional<IncarnationRow> findByToken(byte[] tokenSha256) {
        return jdbc.sql(SELECT + "where token_sha256 = :token")
                .param("token", tokenSha256)
                .query(IncarnationRow::from)
                .optional();
    }

    /** The highest number that was opened, 0 when none was. */
    public int newest(String sessionId) {
        return jdbc.sql("select coalesce(max(number), 0) from incarnations where session_id = :session")
                .param("session", sessionId)
                .query(Integer.class)
                .single();
    }

    /** The open or live incarnation that resumes a frozen one. */
    public Optional<IncarnationRow> resumerOf(String sessionId, int frozen) {
        return jdbc.sql(SELECT + """
                        where session_id = :session and resumes = :frozen and state in ('open', 'live')
                        order by number desc limit 1""")
                .param("session", sessionId)
                .param("frozen", frozen)
                .query(IncarnationRow::from)
                .optional();
    }

    /** Binds hello's nonce and session token; answers false when another nonce was first or the incarnation is over. */
    public boolean exchange(
            String sessionId,
            int number,
            String nonce,
            byte[] tokenSha256,
            Duration lease,
            String driver,
            String runtimeVersion,
            String probes) {
        return jdbc.sql("""
                        update incarnations set state = 'live', nonce = :nonce, token_sha256 = :token,
                            lease_until = now() + :lease * interval '1 second', last_seen_at = now(),
                            driver = :driver, runtime_version = :version, probes = :probes::jsonb, hello_at = coalesce(hello_at, now())
                        where session_id = :session and number = :number
                          and ((state = 'open' and nonce is null) or (state = 'live' and nonce = :nonce))""")
                        .param("session", sessionId)
                        .param("number", number)
                        .param("nonce", nonce)
                        .param("token", tokenSha256)
                        .param("lease", lease.toSeconds())
                        .param("driver", driver)
                        .param("version", runtimeVersion)
                        .param("probes", probes)
                        .update()
                == 1;
    }

    /** Refuses hello for good: the incarnation is closed and says why. */
    public void refuse(String sessionId, int number, String refusal, String probes) {
        jdbc.sql("""
                        update incarnations set state = 'closed', closed_at = now(), refusal = :refusal, probes = :probes::jsonb
                        where session_id = :session and number = :number and state = 'open'""")
                .param("session", sessionId)
                .param("number", number)
                .param("refusal", refusal)
                .param("probes", probes)
                .update();
    }

    /** Renews a lease that has not run out; answers false when it has, or when the incarnation is not live. */
    public boolean renewLease(String sessionId, int number, Duration lease) {
        return jdbc.sql("""
                        update incarnations set last_seen_at = now(), lease_until = now() + :lease * interval '1 second'
                        where session_id = :session and number = :number and state = 'live' and lease_until > now()""")
                        .param("session", sessionId)
                        .param("number", number)
                        .param("lease", lease.toSeconds())
                        .update()
                == 1;
    }

    /** Sets or clears (null) what the sandbox is told on its next poll or heartbeat, and wakes a waiting poll. */
    public void direct(String sessionId, int number, @Nullable String directive) {
        jdbc.sql("""
                        with directed as (
                            update incarnations set directive = :directive,
                                flushed_at = case when :directive::text = 'flush' then null else flushed_at end
                            where session_id = :session and number = :number and state = 'live' returning session_id)
                        select pg_notify('skerry_sandbox', session_id) from directed""")
                .param("session", sessionId)
                .param("number", number)
                .param("directive", directive, Types.VARCHAR)
                .query((row, n) -> true)
                .list();
    }

    /**
     * Tells an incarnation to stop because nobody waits for the turn that it was given under this task token, and wakes a waiting poll.
     * Answers false when it was told before, is not live, or when that turn is over or was given anew since.
     */
    public boolean dismiss(String sessionId, int number, byte[] taskToken) {
        return !jdbc.sql("""
                        with given as (
                            select 1 from turns where session_id = :session and incarnation = :number and status = 'running'
                              and task_token = :token for share),
                        dismissed as (
                            update incarnations set directive = 'stop'
                            where session_id = :session and number = :number and state = 'live' and directive is distinct from 'stop'
                              and exists (select 1 from given)
                            returning session_id)
                        select pg_notify('skerry_sandbox', session_id) from dismissed""")
                .param("session", sessionId)
                .param("number", number)
                .param("token", taskToken)
                .query((row, n) -> true)
                .list()
                .isEmpty();
    }

    /** The sandbox has stored its workspace; clears the directive and wakes whoever waits for it. */
    public void flushed(String sessionId, int number) {
        jdbc.sql("""
                        with flushed as (
                            update incarnations set flushed_at = now(), directive = null
                            where session_id = :session and number = :number returning session_id)
                        select pg_notify('skerry_sandbox', session_id) from flushed""")
                .param("session", sessionId)
                .param("number", number)
                .query((row, n) -> true)
                .list();
    }

    /** Wakes the session's waiting poll, on whichever replica it waits. */
    public void wake(String sessionId) {
        jdbc.sql("select pg_notify('skerry_sandbox', :session)")
                .param("session", sessionId)
                .query((row, n) -> true)
                .list();
    }

    /** How far this incarnation's own event numbers were accepted; holds the row until the transaction ends, so that batches queue. */
    public long lastEventForUpdate(String sessionId, int number) {
        return jdbc.sql(
                        "select last_event from incarnations where session_id = :session and number = :number for update")
                .param("session", sessionId)
                .param("number", number)
                .query(Long.class)
                .single();
    }

    /** Remembers how far this incarnation's own event numbers were accepted; never goes back. */
    public void acceptEvents(String sessionId, int number, long upTo) {
        jdbc.sql(
                        "update incarnations set last_event = greatest(last_event, :upTo) where session_id = :session and number = :number")
                .param("session", sessionId)
                .param("number", number)
                .param("upTo", upTo)
                .update();
    }

    /** Suspended: the token may only be exchanged by the incarnation that resumes it. */
    public void freeze(String sessionId, int number) {
        jdbc.sql(
                        "update incarnations set state = 'frozen', directive = null where session_id = :session and number = :number and state = 'live'")
                .param("session", sessionId)
                .param("number", number)
                .update();
    }

    /** Revokes the tokens of every incarnation up to this number, at once and for ever; wakes waiting polls so that they end. */
    public void closeUpTo(String sessionId, int number) {
        jdbc.sql("""
                        with closed as (
                            update incarnations set state = 'closed', closed_at = coalesce(closed_at, now())
                            where session_id = :session and number <= :number and state <> 'closed' returning session_id)
                        select pg_notify('skerry_sandbox', session_id) from closed""")
                .param("session", sessionId)
                .param("number", number)
                .query((row, n) -> true)
                .list();
    }
}
