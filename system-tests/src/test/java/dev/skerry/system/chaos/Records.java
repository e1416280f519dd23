package dev.skerry.system.chaos;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What holds in the records of an installation at rest, whatever happened to it. */
final class Records {
    static final String LOST = "lost messages";
    static final String CANCELLED = "turns cancelled by nobody";
    static final String FAILED = "turns failed by nobody";
    static final String CHARGED = "double charges";
    static final String UNPAIRED = "unpaired tool calls";
    static final String STUCK = "stuck sessions";
    static final String FENCED = "two live sandboxes";
    static final String GAPS = "gaps in the event log";
    static final String FORGOTTEN = "lost files";

    /**
     * A turn {@code t} whose message came when its session was ending already: it is over at once, whatever waits before it. Its sender
     * was told so, unless the session ended between his answer and the turn.
     */
    static final String REFUSED = "(t.status = 'failed' and t.reason_code = 'session_ended' and t.incarnation is null)";

    /**
     * Each answers a line for every row that breaks the invariant, nothing when it holds.
     *
     * <p>Files are held to what a turn saw that one sandbox alone completed: of a turn that went on in another, what it did in the
     * seconds before its sandbox was lost may be lost too.
     */
    private static final Map<String, List<String>> QUERIES = queries();

    private final Database database;

    /** Answers the first column of every row. */
    interface Database {
        List<String> query(String sql) throws SQLException;
    }

    Records(Database database) {
        this.database = database;
    }

    private static Map<String, List<String>> queries() {
        Map<String, List<String>> queries = new LinkedHashMap<>();
        queries.put(STUCK, List.of("""
                        select id || ' stays ' || status || ' (' || coalesce(reason_code, '') || ')' from sessions
                        where status not in ('idle', 'suspended', 'terminated', 'failed')""", """
                        select session_id || ' ' || id || ' stays ' || status from turns where finished_at is null""", """
                        select session_id || ' has ' || number || ' ' || state || ' after its end'
                        from incarnations i join sessions s on s.id = i.session_id
                        where s.status in ('terminated', 'failed') and i.state <> 'closed'"""));
        queries.put(LOST, List.of("""
                        select t.session_id || ' ' || t.id || ' has ' || count(m.id) || ' user messages'
                        from turns t left join messages m on m.turn_id = t.id and m.role = 'user'
                        group by t.id having count(m.id) <> 1""", """
                        select t.session_id || ' ' || t.id || ' has ' || count(e.seq) || ' outcomes'
                        from turns t left join events e on e.turn_id = t.id and e.session_id = t.session_id
                            and e.type in ('turn.completed', 'turn.failed', 'turn.cancelled', 'turn.limit')
                        group by t.id having count(e.seq) <> 1""", """
                        select session_id || ' ' || id || ' ended out of turn' from (
                            select t.session_id, t.id, row_number() over (partition by t.session_id order by t.ordinal) as due,
                                   row_number() over (partition by t.session_id order by e.seq) as place
                            from turns t join events e on e.turn_id = t.id and e.session_id = t.session_id
                                and e.type in ('turn.completed', 'turn.failed', 'turn.cancelled', 'turn.limit')
                            where not %s) ended
                        where due <> place""".formatted(REFUSED), """
                        select session_id || ' ' || id || ' is completed without an answer' from turns t
                        where status = 'completed'
                          and not exists (select 1 from messages m where m.turn_id = t.id and m.role = 'assistant')"""));
        queries.put(FAILED, List.of("""
                        select session_id || ' ' || id || ' failed (' || coalesce(reason_code, '') || ') after ' || attempt || ' attempts'
                        from turns where status = 'failed'
                          and coalesce(reason_code, '') not in ('provider_rejected', 'no_capacity', 'boot_failed', 'session_ended')
                          and not (reason_code = 'sandbox_lost' and attempt > 3)"""));
        queries.put(
                CHARGED,
                List.of(
                        """
                        select session_id || ' ' || turn_id || ' call ' || seq || ' was charged ' || count(*) || ' times'
                        from model_calls where outcome = 'completed' group by session_id, turn_id, seq having count(*) > 1""",
                        """
                        select session_id || ' ' || turn_id || ' call ' || seq || ' was charged without an answer'
                        from model_calls c where outcome = 'completed'
                          and exists (select 1 from turns t where t.id = c.turn_id and t.status = 'completed') and not exists (
                            select 1 from messages m where m.turn_id = c.turn_id and m.call_seq = c.seq and m.role = 'assistant')""",
                        """
                        select session_id || ' ' || turn_id || ' call ' || call_seq || ' was answered without a charge'
                        from messages m where role = 'assistant' and not exists (
                            select 1 from model_calls c
                            where c.turn_id = m.turn_id and c.seq = m.call_seq and c.outcome = 'completed')""",
                        """
                        select session_id || ' call ' || id || ' cost ' || cost_nano_usd || ' for ' || input_tokens || ' and '
                            || output_tokens || ' tokens'
                        from model_calls where outcome = 'completed'
                          and cost_nano_usd <> input_tokens * %d + output_tokens * %d""".formatted(ScriptedModel.INPUT_NANO_USD, ScriptedModel.OUTPUT_NANO_USD),
                        """
                        select session_id || ' call ' || id || ' stays reserved' from model_calls where state <> 'settled'""",
                        """
                        select s.id || ' has reserved ' || s.reserved_nano_usd || ' and spent ' || s.spent_nano_usd
                            || ' for calls of ' || coalesce(sum(c.cost_nano_usd), 0)
                        from sessions s left join model_calls c on c.session_id = s.id
                        group by s.id having s.reserved_nano_usd <> 0 or s.spent_nano_usd <> coalesce(sum(c.cost_nano_usd), 0)""",
                        """
                        select 'the platform has reserved ' || p.reserved_nano_usd || ' and spent ' || p.spent_nano_usd
                            || ' for sessions of ' || s.spent
                        from platform p, (select coalesce(sum(spent_nano_usd), 0) as spent from sessions) s
                        where p.reserved_nano_usd <> 0 or p.spent_nano_usd <> s.spent"""));
        queries.put(UNPAIRED, List.of("""
                        with calls as (
                            select m.session_id, m.turn_id, m.position, c->>'id' as id, c->>'name' as name,
                                   c->>'name' = 'done' or t.status <> 'completed' as may_be_last,
                                   m.position = max(m.position) over (partition by m.turn_id) as is_last
                            from messages m join turns t on t.id = m.turn_id, jsonb_array_elements(m.content) c
                            where m.role = 'assistant' and c->>'type' = 'tool_call')
                        select c.session_id || ' ' || c.turn_id || ' ' || c.id || ' (' || c.name || ') has '
                            || count(r.id) || ' results'
                        from calls c left join messages r on r.session_id = c.session_id and r.role = 'tool'
                            and r.tool_call_id = c.id and r.position > c.position
                        group by c.session_id, c.turn_id, c.position, c.id, c.name, c.is_last, c.may_be_last
                        having count(r.id) <> 1 and not (c.is_last and c.may_be_last and count(r.id) = 0)""", """
                        select r.session_id || ' ' || r.tool_call_id || ' is a result of no call' from messages r
                        where r.role = 'tool' and not exists (
                            select 1 from messages m, jsonb_array_elements(m.content) c
                            where m.session_id = r.session_id and m.turn_id = r.turn_id and m.role = 'assistant'
                              and m.position < r.position and c->>'id' = r.tool_call_id)"""));
        queries.put(FENCED, List.of("""
                        select session_id || ' has ' || count(*) || ' live incarnations' from incarnations
                        where state in ('open', 'live') group by session_id having count(*) > 1"""));
        queries.put(GAPS, List.of("""
                        select s.id || ' has ' || count(e.seq) || ' events up to ' || s.last_event
                        from sessions s left join events e on e.session_id = s.id
                        group by s.id having count(e.seq) <> s.last_event or coalesce(max(e.seq), 0) <> s.last_event"""));
        queries.put(FORGOTTEN, List.of("""
                        with shown as (
                            select t.session_id, t.id, t.ordinal, t.status, t.attempt, r.is_error, r.content->0->>'text' as list
                            from turns t
                            join messages m on m.turn_id = t.id and m.role = 'assistant'
                            cross join lateral jsonb_array_elements(m.content) c
                            join messages r on r.turn_id = t.id and r.tool_call_id = c->>'id'
                            where c->'arguments'->>'command' like '%cat list.txt')
                        select after.session_id || ' ' || after.id || ' finds ' || after.list || ' of ' || before.list
                        from shown before
                        join shown after on after.session_id = before.session_id and after.ordinal > before.ordinal
                        where before.status = 'completed' and before.attempt = 1 and not before.is_error and case
                            when after.is_error then after.list like '%No such file%'
                            else not starts_with(after.list, before.list) end"""));
        return queries;
    }

    /** Sessions, turns and calls of which something may still become; empty at rest. */
    List<String> restless() throws SQLException {
        List<String> restless = new ArrayList<>();
        for (String query : QUERIES.get(STUCK)) {
            restless.addAll(database.query(query));
        }
        restless.addAll(database.query("select id || ' is reserved' from model_calls where state <> 'settled'"));
        return restless;
    }

    /** Turns that are cancelled although nobody asked for it in their session, nor deleted that. */
    List<Violation> cancelledByNobody(Set<String> sessionsWithCancellations) throws SQLException {
        return database.query("""
                        select session_id || ' ' || id || ' is cancelled (' || coalesce(reason_code, '') || ')' from turns
                        where status = 'cancelled' and coalesce(reason_code, '') not in ('deleted', 'session_ended')""").stream()
                .filter(row -> !sessionsWithCancellations.contains(row.substring(0, row.indexOf(' '))))
                .map(row -> new Violation(CANCELLED, row))
                .toList();
    }

    List<Violation> broken() throws SQLException {
        List<Violation> broken = new ArrayList<>();
        for (Map.Entry<String, List<String>> invariant : QUERIES.entrySet()) {
            for (String query : invariant.getValue()) {
                database.query(query).forEach(row -> broken.add(new Violation(invariant.getKey(), row)));
            }
        }
        return broken;
    }
}
