package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/**
 * Money: reserved before it is spent, settled exactly once. All amounts in nano-dollars.
 *
 * <p>Rows are always locked in the order call, session, tenant, platform, so that no two statements wait for each other; a call that is
 * made again while it is settled waits for that before it locks its session.
 */
@Repository
public class Ledger {
    private static final String RUNNING = """
            select * from turns where session_id = :session and incarnation = :incarnation and status = 'running' and not cancel_requested
            and exists (select 1 from incarnations
                where session_id = :session and number = :incarnation and state = 'live' and lease_until > now())
            and not %s""".formatted(KillSwitches.stopped(":session"));

    private static final String RESERVING = """
            with turn as materialized (%s),
            repeated as materialized (
                select 1 from model_calls where turn_id = :turn::text and seq = :seq::integer and state = 'reserved' for update),
            session as materialized (
                select id, tenant_id, cap_nano_usd, reserved_nano_usd, spent_nano_usd,
                       reserved_nano_usd + spent_nano_usd + :worst <= cap_nano_usd as covered
                from sessions
                where id = :session and exists (select 1 from turn) and (select count(*) from repeated) >= 0 for update),
            tenant as materialized (
                select t.id, coalesce(t.reserved_nano_usd + t.spent_nano_usd + :worst
                           <= coalesce(t.cap_nano_usd, :tenantCap), true) as covered
                from tenants t where t.id = (select tenant_id from session where covered) for update),
            whole as materialized (
                select p.id, coalesce(p.reserved_nano_usd + p.spent_nano_usd + :worst <= :platformCap, true) as covered
                from platform p where exists (select 1 from tenant where covered) for update),
            granted as materialized (select 1 from whole where covered),
            of_session as (
                update sessions set reserved_nano_usd = reserved_nano_usd + :worst
                where id = :session and exists (select 1 from granted)),
            of_tenant as (
                update tenants set reserved_nano_usd = reserved_nano_usd + :worst
                where id = (select tenant_id from session) and exists (select 1 from granted)),
            of_platform as (
                update platform set reserved_nano_usd = reserved_nano_usd + :worst where exists (select 1 from granted)),
            call as (
                insert into model_calls (id, session_id, turn_id, seq, incarnation, model, state, reserved_nano_usd,
                                         owner, via, price_version)
                select :call, :session, turn.id, :seq, :incarnation, :model, 'reserved', :worst, :owner, :via, :prices
                from granted, turn)
            select session.cap_nano_usd, session.reserved_nano_usd + :worst, session.spent_nano_usd,
                   coalesce(session.covered, false), coalesce(tenant.covered, false), coalesce(whole.covered, false), turn.*
            from (values (1)) one
            left join session on true left join tenant on true left join whole on true
            left join turn on true""";
    private static final String RESERVE = RESERVING.formatted("select :turn::text as id");
    private static final String RESERVE_IN_TURN = RESERVING.formatted(RUNNING);

    private static final String LEFT_BEHIND = """
            (c.created_at < now() - :longest * interval '1 millisecond'
             or c.owner is distinct from :judge and (
                 not exists (select 1 from control_planes p where p.id = c.owner)
                 or :steady
                    and exists (select 1 from control_planes p
                        where p.id = :judge and p.seen_at >= now() - :silence * interval '1 millisecond' / 2)
                    and not exists (select 1 from control_planes p
                        where p.id = c.owner and p.seen_at >= now() - :silence * interval '1 millisecond')))""";

    private final JdbcClient jdbc;

    Ledger(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * A model call that is about to be made.
     *
     * @param turnId null for {@link #reserveInTurn}
     * @param seq its number within the turn; null when it passes through in a provider's own form
     * @param owner id of the control plane that makes it
     * @param via native, or the form in which it passes through
     * @param priceVersion of the table that {@code worstCaseNanoUsd} comes from
     * @param worstCaseNanoUsd what it can cost at most
     */
    public record Reservation(
            String callId,
            String sessionId,
            @Nullable String turnId,
            @Nullable Integer seq,
            int incarnation,
            String model,
            long worstCaseNanoUsd,
            @Nullable String owner,
            String via,
            @Nullable String priceVersion) {
        /** A native call of nobody's. */
        public Reservation(
                String callId,
                String sessionId,
                String turnId,
                int seq,
                int incarnation,
                String model,
                long worstCaseNanoUsd) {
            this(callId, sessionId, turnId, seq, incarnation, model, worstCaseNanoUsd, null, "native", null);
        }
    }

    /** Caps above the session's own; null is no cap. A tenant's own cap, where it has one, replaces {@code tenantNanoUsd}. */
    public record Caps(
            @Nullable Long tenantNanoUsd, @Nullable Long platformNanoUsd) {
        public static final Caps NONE = new Caps(null, null);
    }

    /** Whose cap it is. */
    public enum Level {
        SESSION,
        TENANT,
        PLATFORM;

        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What became of an attempt to reserve. */
    public sealed interface Decision {
        /** Reserved; {@code balance} counts it. */
        record Granted(Balance balance) implements Decision {}

        /** Nothing was reserved, because this cap would be passed. */
        record Refused(Level cap) implements Decision {}
    }

    /** What became of an attempt to reserve for the turn in progress; null when there is none. */
    public record InTurn(@Nullable TurnRow turn, Decision decision) {}

    /** Where a session stands. */
    public record Balance(long capNanoUsd, long reservedNanoUsd, long spentNanoUsd) {
        public long remainingNanoUsd() {
            return Math.max(0, capNanoUsd - reservedNanoUsd - spentNanoUsd);
        }

        /** Whether this much, spent last, is what made three quarters of the cap full. */
        public boolean crossedBy(long costNanoUsd) {
            long warnedFrom = capNanoUsd - capNanoUsd / 4;
            return spentNanoUsd >= warnedFrom && spentNanoUsd - costNanoUsd < warnedFrom;
        }
    }

    /** What a finished call really cost. */
    public record Settlement(
            long costNanoUsd, long inputTokens, long outputTokens, boolean estimated, String outcome) {}

    /** Calls, tokens and cost of one model. */
    public record Usage(String model, long calls, long inputTokens, long outputTokens, long costNanoUsd) {}

    /** Like {@link #reserve(Reservation, Caps)} without caps above the session's and the tenant's own. */
    public Decision reserve(Reservation reservation) {
        return reserve(reservation, Caps.NONE);
    }

    /**
     * Checks the caps of session, tenant and platform, counting what calls in flight have reserved, and reserves in all three; all or
     * nothing, in one statement that is a transaction of its own unless there is one. Throws
     * {@link org.springframework.dao.DuplicateKeyException} while the same call is in flight.
     */
    public Decision reserve(Reservation reservation, Caps caps) {
        return reserving(RESERVE, reservation, caps).query(Ledger::decision).single();
    }

    /**
     * Like {@link #reserve(Reservation, Caps)}, for the turn that the reservation's incarnation is working on; answers no turn, and reserves
     * nothing, when there is none or it was cancelled, and when the incarnation does not speak for the session any more or was stopped.
     */
    public InTurn reserveInTurn(Reservation reservation, Caps caps) {
        return reserving(RESERVE_IN_TURN, reservation, caps)
                .query((row, n) ->
                        new InTurn(row.getString("id") == null ? null : TurnRow.from(row, n), decision(row, n)))
                .single();
    }

    private JdbcClient.StatementSpec reserving(String sql, Reservation reservation, Caps caps) {
        return jdbc.sql(sql)
                .param("call", reservation.callId())
                .param("session", reservation.sessionId())
                .param("turn", reservation.turnId(), java.sql.Types.VARCHAR)
                .param("seq", reservation.seq(), java.sql.Types.INTEGER)
                .param("incarnation", reservation.incarnation())
                .param("model", reservation.model())
                .param("worst", reservation.worstCaseNanoUsd())
                .param("owner", reservation.owner(), java.sql.Types.VARCHAR)
                .param("via", reservation.via())
                .param("prices", reservation.priceVersion(), java.sql.Types.VARCHAR)
                .param("tenantCap", caps.tenantNanoUsd(), java.sql.Types.BIGINT)
                .param("platformCap", caps.platformNanoUsd(), java.sql.Types.BIGINT);
    }

    private static Decision decision(ResultSet row, int ignored) throws SQLException {
        if (!row.getBoolean(4)) {
            return new Decision.Refused(Level.SESSION);
        }
        if (!row.getBoolean(5)) {
            return new Decision.Refused(Level.TENANT);
        }
        return row.getBoolean(6) ? new Decision.Granted(balance(row, ignored)) : new Decision.Refused(Level.PLATFORM);
    }

    /** Replaces a reservation by what the call cost. The second settlement of a call changes nothing and answers empty. */
    public Optional<Balance> settle(String callId, Settlement settlement) {
        return close(Closing.AT_COST, callId, settlement, null);
    }

    /** Like {@link #settle(String, Settlement)}, and appends to the session's log, if it does anything at all. */
    public Optional<Balance> settle(String callId, Settlement settlement, Events.Entry entry) {
        return close(Closing.AT_COST, callId, settlement, entry);
    }

    /**
     * Settles and appends to the session's log in one statement that needs no transaction around it. Answers empty and does nothing where
     * the call was settled before, or where this settlement is what makes three quarters of the cap full, so that there is more to
     * append.
     */
    public Optional<Balance> settleQuietly(String callId, Settlement settlement, Events.Entry entry) {
        return close(Closing.QUIETLY, callId, settlement, entry);
    }

    /**
     * Settles a call of which nobody knows what became of it at its whole reservation, marked as an estimate; once, and only if it still
     * counts as left behind.
     */
    public Optional<Balance> abandon(String callId, Judge judge) {
        return judge.in(closing(Closing.IN_FULL, callId, new Settlement(0, 0, 0, true, "abandoned"), null))
                .query(Ledger::balance)
                .optional();
    }

    /**
     * How a call is closed.
     *
     * @param first common table expressions that the condition needs
     * @param cost what it cost
     * @param condition of doing anything
     */
    private record Closing(String first, String cost, String condition) {
        static final Closing AT_COST = new Closing("", ":cost", "true");
        static final Closing IN_FULL = new Closing("", "reserved_nano_usd", LEFT_BEHIND);
        static final Closing QUIETLY = new Closing(
                """
                open as materialized (
                    select session_id from model_calls where id = :call and state = 'reserved' for update),
                held as materialized (
                    select spent_nano_usd as spent, cap_nano_usd - cap_nano_usd / 4 as warned_from
                    from sessions where id = (select session_id from open) for update),
                """, ":cost", "exists (select 1 from held where spent >= warned_from or spent + :cost < warned_from)");
    }

    private Optional<Balance> close(
            Closing closing, String callId, Settlement settlement, Events.@Nullable Entry entry) {
        return closing(closing, callId, settlement, entry)
                .query(Ledger::balance)
                .optional();
    }

    private JdbcClient.StatementSpec closing(
            Closing closing, String callId, Settlement settlement, Events.@Nullable Entry entry) {
        String sql = """
                with %s
                call as (
                    update model_calls c set state = 'settled', cost_nano_usd = %s, input_tokens = :input, output_tokens = :output,
                        estimated = :estimated, outcome = :outcome, settled_at = now()
                    where id = :call and state = 'reserved' and %s
                    returning session_id, reserved_nano_usd, cost_nano_usd),
                session as (
                    update sessions set reserved_nano_usd = sessions.reserved_nano_usd - call.reserved_nano_usd,
                        spent_nano_usd = spent_nano_usd + call.cost_nano_usd, last_event = last_event + %d, updated_at = now()
                    from call where sessions.id = call.session_id
                    returning sessions.id as chain, sessions.tenant_id, sessions.cap_nano_usd, sessions.reserved_nano_usd,
                        sessions.spent_nano_usd, sessions.last_event),
                tenant as (
                    update tenants set reserved_nano_usd = tenants.reserved_nano_usd - call.reserved_nano_usd,
                        spent_nano_usd = tenants.spent_nano_usd + call.cost_nano_usd
                    from session, call where tenants.id = session.tenant_id
                    returning tenants.id),
                whole as (
                    update platform set reserved_nano_usd = platform.reserved_nano_usd - call.reserved_nano_usd,
                        spent_nano_usd = platform.spent_nano_usd + call.cost_nano_usd
                    from tenant, call)
                %s
                select cap_nano_usd, reserved_nano_usd, spent_nano_usd %s from session""".formatted(
                        closing.first(),
                        closing.cost(),
                        closing.condition(),
                        entry == null ? 0 : 1,
                        entry == null ? "" : ", " + Events.appending("session", entry),
                        entry == null ? "" : ", pg_notify('skerry_events', chain)");
        JdbcClient.StatementSpec statement = jdbc.sql(sql)
                .param("call", callId)
                .param("cost", settlement.costNanoUsd())
                .param("input", settlement.inputTokens())
                .param("output", settlement.outputTokens())
                .param("estimated", settlement.estimated())
                .param("outcome", settlement.outcome());
        return entry == null ? statement : Events.appending(statement, entry);
    }

    private static Balance balance(ResultSet row, int ignored) throws SQLException {
        return new Balance(row.getLong(1), row.getLong(2), row.getLong(3));
    }

    /** Changes what a session may spend at most; a cap below what is spent lets no further call pass. */
    public Balance cap(String sessionId, long capNanoUsd) {
        return jdbc.sql("""
                        update sessions set cap_nano_usd = :cap, updated_at = now(),
                            stop_reason = case when stop_reason = 'budget_reached' and :cap > cap_nano_usd then null else stop_reason end
                        where id = :session
                        returning cap_nano_usd, reserved_nano_usd, spent_nano_usd""")
                .param("session", sessionId)
                .param("cap", capNanoUsd)
                .query(Ledger::balance)
                .single();
    }

    public Balance balance(String sessionId) {
        return jdbc.sql("select cap_nano_usd, reserved_nano_usd, spent_nano_usd from sessions where id = :session")
                .param("session", sessionId)
                .query(Ledger::balance)
                .single();
    }

    /**
     * The control plane that wants to settle what others left behind. It never counts itself among the silent, and it judges nobody while
     * its own last sign is not fresh by the database's clock, because then all are silent.
     *
     * @param controlPlane its id
     * @param steady whether it may judge others by their silence at all
     * @param silence of a control plane that has died
     * @param longestCall no call takes longer
     */
    public record Judge(String controlPlane, boolean steady, Duration silence, Duration longestCall) {
        private JdbcClient.StatementSpec in(JdbcClient.StatementSpec statement) {
            return statement
                    .param("judge", controlPlane)
                    .param("steady", steady)
                    .param("silence", silence.toMillis())
                    .param("longest", longestCall.toMillis());
        }
    }

    /** A reservation that is not settled. */
    public record Unsettled(String callId, String sessionId, long reservedNanoUsd) {}

    /** Takes a lock on a call before its session is locked, for a transaction that settles it at its end. */
    public void lock(String callId) {
        jdbc.sql("select 1 from model_calls where id = :call for update")
                .param("call", callId)
                .query(Integer.class)
                .optional();
    }

    /** Unsettled calls of a session (null: of all) whose control plane has left or died, or that take longer than any call. */
    public List<Unsettled> leftBehind(@Nullable String sessionId, Judge judge) {
        return judge.in(jdbc.sql("""
                        select c.id, c.session_id, c.reserved_nano_usd from model_calls c
                        where c.state = 'reserved' and (:session::text is null or c.session_id = :session) and %s
                        order by c.created_at limit 1000""".formatted(LEFT_BEHIND)))
                .param("session", sessionId, java.sql.Types.VARCHAR)
                .query((row, n) -> new Unsettled(row.getString(1), row.getString(2), row.getLong(3)))
                .list();
    }

    /**
     * Says that a control plane is up; the reservations of one that falls silent are settled by the others. Answers how long it has been
     * since the last time, by the database's clock.
     */
    public Duration beat(String controlPlane) {
        return jdbc.sql("""
                        with last as materialized (select seen_at from control_planes where id = :id),
                        beat as (
                            insert into control_planes (id) values (:id)
                            on conflict (id) do update set seen_at = now())
                        select coalesce(extract(epoch from now() - (select seen_at from last)) * 1000, 0)""")
                .param("id", controlPlane)
                .query((row, n) -> Duration.ofMillis(row.getLong(1)))
                .single();
    }

    /** A control plane leaves, having settled what it reserved; and those that left without a word long ago are forgotten. */
    public void leave(String controlPlane) {
        jdbc.sql("delete from control_planes where id = :id or seen_at < now() - interval '1 day'")
                .param("id", controlPlane)
                .update();
    }

    /** A place where the books do not add up, which is a fault of this program. */
    public record Discrepancy(
            String level, String id, long reserved, long shouldBeReserved, long spent, long shouldBeSpent) {}

    /** Adds everything up from single calls to the platform; empty when it agrees, in one consistent view. */
    public List<Discrepancy> discrepancies() {
        return jdbc.sql("""
                        with by_session as (
                            select s.id, s.tenant_id, s.reserved_nano_usd, s.spent_nano_usd,
                                   coalesce(sum(c.reserved_nano_usd) filter (where c.state = 'reserved'), 0) should_reserve,
                                   coalesce(sum(c.cost_nano_usd) filter (where c.state = 'settled'), 0) should_spend
                            from sessions s left join model_calls c on c.session_id = s.id group by s.id),
                        by_tenant as (
                            select t.id, t.reserved_nano_usd, t.spent_nano_usd,
                                   coalesce(sum(s.should_reserve), 0) should_reserve, coalesce(sum(s.should_spend), 0) should_spend
                            from tenants t left join by_session s on s.tenant_id = t.id group by t.id)
                        select * from (
                            select 'session' as level, id, reserved_nano_usd, should_reserve, spent_nano_usd, should_spend from by_session
                            union all
                            select 'tenant', id, reserved_nano_usd, should_reserve, spent_nano_usd, should_spend from by_tenant
                            union all
                            select 'platform', '', p.reserved_nano_usd, t.reserved, p.spent_nano_usd, t.spent
                            from platform p, (select coalesce(sum(should_reserve), 0) reserved, coalesce(sum(should_spend), 0) spent
                                              from by_tenant) t) books
                        where reserved_nano_usd <> should_reserve or spent_nano_usd <> should_spend""")
                .query((row, n) -> new Discrepancy(
                        row.getString(1),
                        row.getString(2),
                        row.getLong(3),
                        row.getLong(4),
                        row.getLong(5),
                        row.getLong(6)))
                .list();
    }

    /** What the call behind a stored answer cost. */
    public Optional<Settlement> settlement(String turnId, int seq) {
        return jdbc.sql("""
                        select * from model_calls where turn_id = :turn and seq = :seq and state = 'settled' and outcome = 'completed'
                        order by settled_at desc limit 1""")
                .param("turn", turnId)
                .param("seq", seq)
                .query((row, n) -> new Settlement(
                        row.getLong("cost_nano_usd"),
                        row.getLong("input_tokens"),
                        row.getLong("output_tokens"),
                        row.getBoolean("estimated"),
                        row.getString("outcome")))
                .optional();
    }

    /** Usage by model, of one turn or (null) of the whole session. */
    public List<Usage> usage(String sessionId, @Nullable String turnId) {
        return jdbc.sql("""
                        select model, count(*) calls, sum(input_tokens) input, sum(output_tokens) output, sum(cost_nano_usd) cost
                        from model_calls
                        where session_id = :session and (:turn::text is null or turn_id = :turn) and state = 'settled'
                        group by model order by model""")
                .param("session", sessionId)
                .param("turn", turnId, java.sql.Types.VARCHAR)
                .query((row, n) -> new Usage(
                        row.getString("model"),
                        row.getLong("calls"),
                        row.getLong("input"),
                        row.getLong("output"),
                        row.getLong("cost")))
                .list();
    }
}
