package dev.skerry.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionTemplate;

/** What a sandbox asks for all the time must not get slower as sessions get longer and many. */
@StoreTest
class PlansTest {
    private static final int FEW = 50;

    @Autowired
    private StoreFixture fixture;

    @Autowired
    private Messages messages;

    @Autowired
    private Turns turns;

    @Autowired
    private JdbcClient jdbc;

    @Autowired
    private TransactionTemplate transactions;

    private String session = "";
    private String turn = "";

    @BeforeEach
    void aLongSession() {
        session = fixture.session(1);
        fixture.pastTurns(session, 1_000, 5);
        turn = fixture.turn(session);
        turns.give(session, turn, 7, new byte[] {1});
        messages.appendUser(session, turn, turn + "m1", "[]");
        messages.appendAssistant(session, turn, turn + "m2", "[]", 1, "tool_use");
        jdbc.sql("analyze messages, turns").update();
    }

    @Test
    void theMessagesOfATurnAreFoundWithoutReadingThoseOfOthers() {
        assertThat(rowsRead("messages", () -> assertThat(messages.ofTurn(turn)).hasSize(2)))
                .isLessThan(FEW);
    }

    @Test
    void theNumberOfTheNextCallIsFoundWithoutReadingTheMessagesOfOthers() {
        assertThat(rowsRead(
                        "messages", () -> assertThat(messages.nextCallSeq(turn)).isEqualTo(2)))
                .isLessThan(FEW);
    }

    @Test
    void theRunningTurnIsFoundWithoutReadingThePastOnes() {
        assertThat(rowsRead(
                        "turns", () -> assertThat(turns.runningOn(session, 7)).isPresent()))
                .isLessThan(FEW);
    }

    private long rowsRead(String table, Runnable reading) {
        return Objects.requireNonNull(transactions.execute(ignored -> {
            long before = rowsReadSoFar(table);
            reading.run();
            return rowsReadSoFar(table) - before;
        }));
    }

    private long rowsReadSoFar(String table) {
        return jdbc.sql(
                        "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = :table")
                .param("table", table)
                .query(Long.class)
                .single();
    }
}
