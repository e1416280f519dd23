package dev.skerry.store;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.interceptor.TransactionAspectSupport;

/** Money: reserved before it is spent, settled exactly once. All amounts in nano-dollars. */
@Repository
public class Ledger {
    private final JdbcClient jdbc;

    Ledger(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** A model call that is about to be made; {@code worstCaseNanoUsd} is what it can cost at most. */
    public record Reservation(
            String callId,
            String sessionId,
            String turnId,
            int seq,
            int incarnation,
            String model,
            long worstCaseNanoUsd) {}

    /** Where a session stands. */
    public record Balance(long capNanoUsd, long reservedNanoUsd, long spentNanoUsd) {
        public long remainingNanoUsd() {
            return Math.max(0, capNanoUsd - reservedNanoUsd - spentNanoUsd);
        }
    }

    /** What a finished call really cost. */
    public record Settlement(
            long costNanoUsd, long inputTokens, long outputTokens, boolean estimated, String outcome) {}

    /** Calls, tokens and cost of one model. */
    public record Usage(String model, long calls, long inputTokens, long outputTokens, long costNanoUsd) {}

    /**
     * Checks the caps of session and tenant, counting what calls in flight have reserved, and reserves. Empty when either cap would
     * be passed; nothing is reserved then. Throws {@link org.springframework.dao.DuplicateKeyException} while the same call is in
     * flight.
     */
    @Transactional
    public Optional<Balance> reserve(Reservation reservation) {
        Optional<Balance> balance = jdbc.sql("""
                        with session as (
                            update sessions set reserved_nano_usd = reserved_nano_usd + :worst
                            where id = :session and reserved_nano_usd + spent_nano_usd + :worst <= cap_nano_usd
                            returning tenant_id, cap_nano_usd, reserved_nano_usd, spent_nano_usd),
                        tenant as (
                            update tenants set reserved_nano_usd = tenants.reserved_nano_usd + :worst
                            from session
                            where tenants.id = session.tenant_id
                              and (tenants.cap_nano_usd is null
                                   or tenants.reserved_nano_usd + tenants.spent_nano_usd + :worst <= tenants.cap_nano_usd)
                            returning tenants.id),
                        call as (
                            insert into model_calls (id, session_id, turn_id, seq, incarnation, model, state, reserved_nano_usd)
                            select :call, :session, :turn, :seq, :incarnation, :model, 'reserved', :worst from tenant
                            returning id)
                        select cap_nano_usd, reserved_nano_usd, spent_nano_usd from session, call""")
                .param("call", reservation.callId())
                .param("session", reservation.sessionId())
                .param("turn", reservation.turnId())
                .param("seq", reservation.seq())
                .param("incarnation", reservation.incarnation())
                .param("model", reservation.model())
                .param("worst", reservation.worstCaseNanoUsd())
                .query((row, n) -> new Balance(row.getLong(1), row.getLong(2), row.getLong(3)))
                .optional();
        if (balance.isEmpty()) {
            TransactionAspectSupport.currentTransactionStatus().setRollbackOnly();
        }
        return balance;
    }

    /** Replaces a reservation by what the call cost. The second settlement of a call changes nothing and answers empty. */
    public Optional<Balance> settle(String callId, Settlement settlement) {
        return jdbc.sql("""
                        with call as (
                            update model_calls set state = 'settled', cost_nano_usd = :cost, input_tokens = :input, output_tokens = :output,
                                estimated = :estimated, outcome = :outcome, settled_at = now()
                            where id = :call and state = 'reserved'
                            returning session_id, reserved_nano_usd),
                        session as (
                            update sessions set reserved_nano_usd = sessions.reserved_nano_usd - call.reserved_nano_usd,
                                spent_nano_usd = spent_nano_usd + :cost, updated_at = now()
                            from call where sessions.id = call.session_id
                            returning sessions.tenant_id, sessions.cap_nano_usd, sessions.reserved_nano_usd, sessions.spent_nano_usd),
                        tenant as (
                            update tenants set reserved_nano_usd = tenants.reserved_nano_usd - call.reserved_nano_usd,
                                spent_nano_usd = tenants.spent_nano_usd + :cost
                            from session, call where tenants.id = session.tenant_id)
                        select cap_nano_usd, reserved_nano_usd, spent_nano_usd from session""")
                .param("call", callId)
                .param("cost", settlement.costNanoUsd())
                .param("input", settlement.inputTokens())
                .param("output", settlement.outputTokens())
                .param("estimated", settlement.estimated())
                .param("outcome", settlement.outcome())
                .query((row, n) -> new Balance(row.getLong(1), row.getLong(2), row.getLong(3)))
                .optional();
    }

    public Balance balance(String sessionId) {
        return jdbc.sql("select cap_nano_usd, reserved_nano_usd, spent_nano_usd from sessions where id = :session")
                .param("session", sessionId)
                .query((row, n) -> new Balance(row.getLong(1), row.getLong(2), row.getLong(3)))
                .single();
    }

    /** Ids of calls that were reserved and never settled: what a crash leaves behind. */
    public List<String> unsettled(String sessionId) {
        return jdbc.sql("select id from model_calls where session_id = :session and state = 'reserved'")
                .param("session", sessionId)
                .query(String.class)
                .list();
    }

    /** A call that was reserved at a time and never settled. */
    public record Unsettled(String callId, Instant reservedAt) {}

    /** The unsettled call of this number in a turn: in flight somewhere, or left by a crash. */
    public Optional<Unsettled> unsettled(String turnId, int seq) {
        return jdbc.sql(
                        "select id, created_at from model_calls where turn_id = :turn and seq = :seq and state = 'reserved'")
                .param("turn", turnId)
                .param("seq", seq)
                .query((row, n) -> new Unsettled(row.getString("id"), Columns.instant(row, "created_at")))
                .optional();
    }

    /** Settles a call of which nobody knows what became of it at its whole reservation, marked as an estimate. */
    public void abandon(String callId) {
        jdbc.sql("select reserved_nano_usd from model_calls where id = :call and state = 'reserved'")
                .param("call", callId)
                .query(Long.class)
                .optional()
                .ifPresent(reserved -> settle(callId, new Settlement(reserved, 0, 0, true, "abandoned")));
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
