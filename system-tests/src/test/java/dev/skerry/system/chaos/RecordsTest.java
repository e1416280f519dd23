package dev.skerry.system.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.TestingPostgres;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each thing that chaos looks for is found when it is there. */
class RecordsTest {
    private static final String GOOD = """
            insert into tenants (id, name) values ('ten_a', 'a') on conflict do nothing;
            truncate sessions cascade;
            insert into sessions (id, tenant_id, status, model, rehearsal, cap_nano_usd, spent_nano_usd, idle_timeout_ms, suspended_ttl_ms,
                                  lifetime_ms, last_event, last_turn)
                values ('ses_1', 'ten_a', 'idle', 'm', false, 1000000, 16750, 1, 1, 1, 4, 2);
            update platform set reserved_nano_usd = 0, spent_nano_usd = 16750;
            insert into incarnations (session_id, number, state) values ('ses_1', 1, 'closed'), ('ses_1', 2, 'live');
            insert into turns (id, session_id, ordinal, status, attempt, finished_at)
                values ('trn_1', 'ses_1', 1, 'completed', 1, now()), ('trn_2', 'ses_1', 2, 'cancelled', 2, now());
            insert into messages (session_id, position, id, turn_id, role, content, tool_call_id, call_seq) values
                ('ses_1', 1, 'm1', 'trn_1', 'user', '[{"type": "text", "text": "one"}]', null, null),
                ('ses_1', 2, 'm2', 'trn_1', 'assistant', '[{"type": "tool_call", "id": "c1", "name": "bash",
                    "arguments": {"command": "cat list.txt"}}]', null, 1),
                ('ses_1', 3, 'm3', 'trn_1', 'tool', '[{"type": "text", "text": "one"}]', 'c1', null),
                ('ses_1', 4, 'm4', 'trn_1', 'assistant', '[{"type": "tool_call", "id": "c2", "name": "done"}]', null, 2),
                ('ses_1', 5, 'm5', 'trn_2', 'user', '[{"type": "text", "text": "two"}]', null, null),
                ('ses_1', 6, 'm6', 'trn_2', 'assistant', '[{"type": "tool_call", "id": "c3", "name": "bash",
                    "arguments": {"command": "sleep 1; cat list.txt"}}]', null, 1),
                ('ses_1', 7, 'm7', 'trn_2', 'tool', '[{"type": "text", "text": "one, two"}]', 'c3', null);
            insert into model_calls (id, session_id, turn_id, seq, incarnation, model, state, reserved_nano_usd, cost_nano_usd, input_tokens,
                                     output_tokens, outcome) values
                ('k1', 'ses_1', 'trn_1', 1, 1, 'm', 'settled', 9, 2250, 1, 1, 'completed'),
                ('k2', 'ses_1', 'trn_1', 2, 2, 'm', 'settled', 9, 14000, 0, 7, 'completed'),
                ('k3', 'ses_1', 'trn_2', 1, 2, 'm', 'settled', 9, 500, 2, 0, 'completed');
            insert into events (session_id, seq, type, turn_id) values ('ses_1', 1, 'session.created', null),
                ('ses_1', 2, 'turn.queued', 'trn_1'), ('ses_1', 3, 'turn.completed', 'trn_1'), ('ses_1', 4, 'turn.cancelled', 'trn_2');
            """;

    private static String database;

    @BeforeAll
    static void migrate() {
        database = TestingPostgres.newDatabase();
        Flyway.configure().dataSource(database, "postgres", "").load().migrate();
    }

    @Test
    void goodRecordsAreGood() throws SQLException {
        execute(GOOD);
        assertThat(new Records(RecordsTest::query).broken()).isEmpty();
        assertThat(new Records(RecordsTest::query).restless()).isEmpty();
    }

    @Test
    void aMessageThatCameAtTheEndIsOverBeforeThoseThatWait() throws SQLException {
        String late = """
                insert into turns (id, session_id, ordinal, status, reason_code, finished_at)
                    values ('trn_3', 'ses_1', 3, 'failed', 'session_ended', now());
                insert into messages (session_id, position, id, turn_id, role, content)
                    values ('ses_1', 8, 'm8', 'trn_3', 'user', '[{"type": "text", "text": "three"}]');
                update events set seq = 5 where seq = 4;
                insert into events (session_id, seq, type, turn_id) values ('ses_1', 4, 'turn.failed', 'trn_3');
                update sessions set last_event = 5;
                """;
        execute(GOOD + late);
        assertThat(new Records(RecordsTest::query).broken()).isEmpty();
        execute(GOOD + late + "update turns set incarnation = 2 where id = 'trn_3'");
        assertThat(new Records(RecordsTest::query).broken())
                .anySatisfy(violation -> assertThat(violation.what()).contains("trn_3 ended out of turn"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "update sessions set status = 'running' | stuck sessions | ses_1 stays running",
                "update turns set finished_at = null where ordinal = 2 | stuck sessions | trn_2 stays cancelled",
                "update sessions set status = 'failed' | stuck sessions | has 2 live after its end",
                "delete from messages where id = 'm5' | lost messages | trn_2 has 0 user messages",
                "delete from events where seq = 4; update sessions set last_event = 3 | lost messages | trn_2 has 0 outcomes",
                "update events set turn_id = concat('trn_', 5 - seq) where seq > 2 | lost messages | ended out of turn",
                "delete from messages where role = 'assistant'; delete from model_calls; update sessions set spent_nano_usd = 0 | lost messages | trn_1 is completed without an answer",
                "update turns set status = 'failed', reason_code = 'sandbox_lost', attempt = 1 where ordinal = 2 | turns failed by nobody | trn_2 failed (sandbox_lost) after 1 attempts",
                "update model_calls set seq = 1 | double charges | call 1 was charged 2 times",
                "delete from messages where id = 'm4' | double charges | call 2 was charged without an answer",
                "update model_calls set outcome = 'abandoned' where id = 'k2' | double charges | call 2 was answered without a charge",
                "update model_calls set state = 'reserved' where id = 'k2' | double charges | stays reserved",
                "update model_calls set cost_nano_usd = 1 where id = 'k2' | double charges | cost 1 for 0 and 7 tokens",
                "update sessions set spent_nano_usd = 5 | double charges | and spent 5 for calls of 16750",
                "update platform set reserved_nano_usd = 5 | double charges | the platform has reserved 5",
                "delete from messages where id = 'm3' | unpaired tool calls | c1 (bash) has 0 results",
                "update messages set tool_call_id = 'c9' where id = 'm3' | unpaired tool calls | c9 is a result of no call",
                "update messages set content = '[{\"type\": \"tool_call\", \"id\": \"c2\", \"name\": \"bash\"}]' where id = 'm4' | unpaired tool calls | c2 (bash) has 0 results",
                "update incarnations set state = 'open' where number = 1 | two live sandboxes | has 2 live incarnations",
                "update messages set content = '[{\"type\": \"text\", \"text\": \"two\"}]' where id = 'm7' | lost files | trn_2 finds two of one",
                "update messages set is_error = true, content = '[{\"type\": \"text\", \"text\": \"cat: list.txt: No such file\"}]' where id = 'm7' | lost files | trn_2 finds cat: list.txt: No such file of one",
                "delete from events where seq = 2 | gaps in the event log | has 3 events up to 4"
            })
    void badRecordsAreFound(String harm, String invariant, String what) throws SQLException {
        execute(GOOD + harm);
        assertThat(new Records(RecordsTest::query).broken()).anySatisfy(violation -> {
            assertThat(violation.invariant()).isEqualTo(invariant);
            assertThat(violation.what()).contains(what);
        });
    }

    @Test
    void aTurnThatNobodyCancelledIsNotCancelled() throws SQLException {
        execute(GOOD);
        Records records = new Records(RecordsTest::query);
        assertThat(records.cancelledByNobody(Set.of("ses_1"))).isEmpty();
        assertThat(records.cancelledByNobody(Set.of("ses_2"))).singleElement().satisfies(violation -> {
            assertThat(violation.invariant()).isEqualTo("turns cancelled by nobody");
            assertThat(violation.what()).isEqualTo("ses_1 trn_2 is cancelled ()");
        });
    }

    @Test
    void aTurnMayMissWhatASandboxThatWasLostInItHadNoted() throws SQLException {
        String two = "update messages set content = '[{\"type\": \"text\", \"text\": \"two\"}]' where id = 'm7';";
        for (String excuse : List.of(
                "update turns set attempt = 2 where id = 'trn_1'",
                "update messages set is_error = true where id = 'm3'",
                "update messages set is_error = true where id = 'm7'")) {
            execute(GOOD + two + excuse);
            assertThat(new Records(RecordsTest::query).broken()).as(excuse).isEmpty();
        }
    }

    @Test
    void aTurnMayBeCancelledByTheEndOfItsSession() throws SQLException {
        execute(GOOD + "update turns set reason_code = 'deleted' where id = 'trn_2'");
        assertThat(new Records(RecordsTest::query).cancelledByNobody(Set.of())).isEmpty();
    }

    private static void execute(String sql) throws SQLException {
        try (var connection = DriverManager.getConnection(database, "postgres", "");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<String> query(String sql) throws SQLException {
        List<String> values = new ArrayList<>();
        try (var connection = DriverManager.getConnection(database, "postgres", "");
                var statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                values.add(rows.getString(1));
            }
        }
        return values;
    }
}
