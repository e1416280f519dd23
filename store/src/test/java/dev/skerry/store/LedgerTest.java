package dev.skerry.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.store.Ledger.Balance;
import dev.skerry.store.Ledger.Caps;
import dev.skerry.store.Ledger.Decision;
import dev.skerry.store.Ledger.Judge;
import dev.skerry.store.Ledger.Level;
import dev.skerry.store.Ledger.Settlement;
import dev.skerry.store.Ledger.Unsettled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionTemplate;

@StoreTest
class LedgerTest {
    private static final Judge ANYBODY = judge("cp_anybody", true);

    @Autowired
    private Ledger ledger;

    @Autowired
    private Sessions sessions;

    @Autowired
    private Turns turns;

    @Autowired
    private Incarnations incarnations;

    @Autowired
    private KillSwitches killSwitches;

    @Autowired
    private Events events;

    @Autowired
    private Audit audit;

    @Autowired
    private StoreFixture fixture;

    @Autowired
    private JdbcClient jdbc;

    @Autowired
    private TransactionTemplate transactions;

    private String session;
    private String turn;

    @BeforeEach
    void oneSessionWithACapOfThousand() {
        session = fixture.session(1_000);
        turn = fixture.turn(session);
    }

    @Test
    void refusesWhatWouldPassTheCapCountingCallsInFlight() {
        assertThat(ledger.reserve(call(1, 600))).isInstanceOf(Decision.Granted.class);
        assertThat(ledger.reserve(call(2, 401))).isEqualTo(new Decision.Refused(Level.SESSION));
        assertThat(ledger.reserve(call(3, 400))).isEqualTo(new Decision.Granted(new Balance(1_000, 1_000, 0)));
        assertThat(ledger.balance(session).remainingNanoUsd()).isZero();
    }

    @Test
    void refusedReservationsLeaveNoTraceWhicheverCapIsTheReason() {
        fixture.capTenant(session, 100);
        assertThat(ledger.reserve(call(1, 101))).isEqualTo(new Decision.Refused(Level.TENANT));
        long platform = fixture.platformInUse();
        assertThat(ledger.reserve(call(1, 100), new Caps(null, platform + 99)))
                .isEqualTo(new Decision.Refused(Level.PLATFORM));
        assertThat(ledger.balance(session)).isEqualTo(new Balance(1_000, 0, 0));
        assertThat(fixture.platformInUse()).isEqualTo(platform);

        assertThat(ledger.reserve(call(1, 100), new Caps(null, platform + 100))).isInstanceOf(Decision.Granted.class);
        assertThat(ledger.discrepancies()).isEmpty();
    }

    @Test
    void aTenantsOwnCapReplacesTheOneOfAllTenants() {
        assertThat(ledger.reserve(call(1, 101), new Caps(100L, null))).isEqualTo(new Decision.Refused(Level.TENANT));
        fixture.capTenant(session, 200);
        assertThat(ledger.reserve(call(1, 101), new Caps(100L, null))).isInstanceOf(Decision.Granted.class);
    }

    @Test
    void settlesOnceAndGivesTheRestBack() {
        ledger.reserve(call(1, 600));
        assertThat(ledger.settle(session + "1", new Settlement(50, 10, 5, false, "ok")))
                .contains(new Balance(1_000, 0, 50));
        assertThat(ledger.settle(session + "1", new Settlement(50, 10, 5, false, "ok")))
                .isEmpty();
        assertThat(ledger.abandon(session + "1", ANYBODY)).isEmpty();
        assertThat(ledger.balance(session)).isEqualTo(new Balance(1_000, 0, 50));
        assertThat(ledger.usage(session, turn)).containsExactly(new Ledger.Usage("m", 1, 10, 5, 50));
    }

    @Test
    void settlesAnAbandonedCallAtItsWholeReservation() {
        ledger.reserve(call(1, 600));
        assertThat(ledger.abandon(session + "1", ANYBODY)).contains(new Balance(1_000, 0, 600));
        assertThat(ledger.settle(session + "1", new Settlement(50, 10, 5, false, "ok")))
                .isEmpty();
    }

    @Test
    void knowsWhatASilentControlPlaneLeftBehind() {
        String alive = "cp_alive" + session;
        String silent = "cp_silent" + session;
        String judge = "cp_judge" + session;
        Judge steady = judge(judge, true);
        ledger.beat(judge);
        ledger.beat(alive);
        ledger.beat(silent);
        fixture.silence(silent, 11);
        ledger.reserve(owned(1, alive));
        ledger.reserve(owned(2, silent));
        ledger.reserve(owned(3, "cp_unknown"));

        assertThat(ledger.leftBehind(session, steady))
                .extracting(Unsettled::callId)
                .containsExactlyInAnyOrder(session + "2", session + "3");
        assertThat(ledger.leftBehind(session, judge(judge, false)))
                .extracting(Unsettled::callId)
                .containsExactly(session + "3");
        fixture.silence(judge, 6);
        assertThat(ledger.leftBehind(session, steady))
                .extracting(Unsettled::callId)
                .containsExactly(session + "3");
        assertThat(ledger.beat(judge)).isBetween(Duration.ofSeconds(6), Duration.ofSeconds(60));
        ledger.beat(silent);
        assertThat(ledger.leftBehind(session, steady))
                .extracting(Unsettled::callId)
                .containsExactly(session + "3");
        assertThat(ledger.abandon(session + "2", steady)).isEmpty();
        fixture.age(session + "1", 601);
        assertThat(ledger.leftBehind(null, steady))
                .extracting(Unsettled::callId)
                .contains(session + "1");
        ledger.leave(silent);
        assertThat(ledger.leftBehind(session, steady)).hasSize(3);
    }

    @Test
    void aControlPlaneNeverTakesItselfForDead() {
        String judge = "cp_judge" + session;
        ledger.beat(judge);
        ledger.reserve(owned(1, judge));
        fixture.silence(judge, 60);
        assertThat(ledger.leftBehind(session, judge(judge, true))).isEmpty();
        ledger.leave(judge);
        assertThat(ledger.leftBehind(session, judge(judge, true))).isEmpty();
        fixture.age(session + "1", 601);
        assertThat(ledger.leftBehind(session, judge(judge, true))).hasSize(1);
    }

    @Test
    void aRepeatedCallWaitsForItsSettlementWithoutHoldingItUp() throws Exception {
        ledger.reserve(call(1, 600));
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Decision> repeated = transactions.execute(ignored -> {
                jdbc.sql("update model_calls set outcome = 'completed', state = 'settled' where id = :call")
                        .param("call", session + "1")
                        .update();
                Future<Decision> waiting = threads.submit(
                        () -> ledger.reserve(new Ledger.Reservation(session + "2", session, turn, 1, 1, "m", 100)));
                Awaitility.await().until(fixture::somebodyWaitsForALock);
                fixture.giveBack(session, 600);
                return waiting;
            });
            assertThat(Objects.requireNonNull(repeated).get()).isInstanceOf(Decision.Granted.class);
            assertThat(ledger.discrepancies()).isEmpty();
        }
    }

    @Test
    void aRaisedCapLetsTheNextCallPass() {
        ledger.reserve(call(1, 1_000));
        assertThat(ledger.reserve(call(2, 1))).isInstanceOf(Decision.Refused.class);
        sessions.setStopReason(session, "budget_reached");

        assertThat(ledger.cap(session, 1_001)).isEqualTo(new Balance(1_001, 1_000, 0));

        assertThat(sessions.find(session).orElseThrow().stopReason()).isNull();
        assertThat(ledger.reserve(call(2, 1))).isInstanceOf(Decision.Granted.class);
    }

    @Test
    void aLoweredCapStopsAtOnceAndIsNoReasonToGoOn() {
        ledger.reserve(call(1, 500));
        sessions.setStopReason(session, "budget_reached");

        assertThat(ledger.cap(session, 400).remainingNanoUsd()).isZero();

        assertThat(sessions.find(session).orElseThrow().stopReason()).isEqualTo("budget_reached");
        assertThat(ledger.reserve(call(2, 1))).isEqualTo(new Decision.Refused(Level.SESSION));
    }

    @Test
    void neverPassesTheCapUnderConcurrency() throws Exception {
        List<Callable<Boolean>> calls = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            Ledger.Reservation reservation = call(i + 1, 20);
            calls.add(() -> ledger.reserve(reservation) instanceof Decision.Granted);
        }
        int passed = 0;
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Boolean> call : pool.invokeAll(calls)) {
                passed += call.get() ? 1 : 0;
            }
        }
        assertThat(passed).isEqualTo(50);
        assertThat(ledger.balance(session)).isEqualTo(new Balance(1_000, 1_000, 0));
    }

    @Test
    void reservesForTheTurnInProgressOnly() {
        Ledger.Reservation asked =
                new Ledger.Reservation(session + "a", session, null, null, 2, "m", 600, null, "openai.chat", "v");
        assertThat(ledger.reserveInTurn(asked, Caps.NONE).turn()).isNull();
        turns.give(session, turn, 1, new byte[] {1});
        assertThat(ledger.reserveInTurn(asked, Caps.NONE).turn()).isNull();
        assertThat(ledger.balance(session)).isEqualTo(new Balance(1_000, 0, 0));

        turns.give(session, turn, 2, new byte[] {1});
        incarnations.open(session, 2, null);
        assertThat(ledger.reserveInTurn(asked, Caps.NONE).turn()).isNull();
        assertThat(hello(Duration.ofSeconds(-1))).isTrue();
        assertThat(ledger.reserveInTurn(asked, Caps.NONE).turn()).isNull();
        assertThat(hello(Duration.ofSeconds(60))).isTrue();
        killSwitches.engage(KillSwitches.Scope.SESSION, session, "drill");
        assertThat(ledger.reserveInTurn(asked, Caps.NONE).turn()).isNull();
        killSwitches.release(KillSwitches.Scope.SESSION, session);

        Ledger.InTurn made = ledger.reserveInTurn(asked, Caps.NONE);
        assertThat(made.decision()).isEqualTo(new Decision.Granted(new Balance(1_000, 600, 0)));
        assertThat(made.turn())
                .usingRecursiveComparison()
                .isEqualTo(turns.find(session, turn).orElseThrow());
        Ledger.Reservation more =
                new Ledger.Reservation(session + "b", session, null, null, 2, "m", 401, null, "openai.chat", "v");
        assertThat(ledger.reserveInTurn(more, Caps.NONE).decision()).isEqualTo(new Decision.Refused(Level.SESSION));
        assertThat(ledger.reserveInTurn(more, Caps.NONE).turn()).isNotNull();

        turns.requestCancel(session, turn);
        assertThat(ledger.reserveInTurn(more, Caps.NONE).turn()).isNull();
        assertThat(ledger.discrepancies()).isEmpty();
    }

    private boolean hello(Duration lease) {
        byte[] hash = session.getBytes(StandardCharsets.UTF_8);
        return incarnations.exchange(session, 2, "nonce", hash, lease, "plain", "1", "[]");
    }

    @Test
    void settlesQuietlyOnceWithItsRecordButLeavesAWarningToATransaction() {
        Events.Entry entry = new Events.Entry("model.response", turn, 1, "{}", "{}");
        ledger.reserve(call(1, 500));
        ledger.reserve(call(2, 500));

        assertThat(ledger.settleQuietly(session + 1, settled(500), entry)).hasValue(new Balance(1_000, 500, 500));
        assertThat(ledger.settleQuietly(session + 1, settled(500), entry)).isEmpty();
        assertThat(ledger.settleQuietly(session + 2, settled(250), entry)).isEmpty();
        assertThat(ledger.balance(session)).isEqualTo(new Balance(1_000, 500, 500));
        assertThat(events.list(session, 0, 10)).hasSize(1);
        assertThat(audit.list(session, 0, 10)).hasSize(1);

        Balance crossed = ledger.settle(session + 2, settled(250), entry).orElseThrow();
        assertThat(crossed).isEqualTo(new Balance(1_000, 0, 750));
        assertThat(crossed.crossedBy(250)).isTrue();
        assertThat(events.list(session, 0, 10)).extracting(Events.EventRow::seq).containsExactly(1L, 2L);

        ledger.reserve(call(3, 10));
        assertThat(ledger.settleQuietly(session + 3, settled(10), entry)).hasValue(new Balance(1_000, 0, 760));
        assertThat(ledger.discrepancies()).isEmpty();
    }

    private static Settlement settled(long cost) {
        return new Settlement(cost, 1, 1, false, "completed");
    }

    /** Many threads reserve, settle, settle again, abandon and change caps at random, in sessions of tenants that share a platform. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void alwaysSumsUp(long seed) throws Exception {
        List<String> sessionIds = new ArrayList<>();
        for (int tenant = 0; tenant < 2; tenant++) {
            String first = fixture.session(5_000);
            sessionIds.add(first);
            sessionIds.add(fixture.sessionNextTo(first, 2_000));
            fixture.capTenant(first, 6_000);
        }
        Caps caps = new Caps(null, fixture.platformInUse() + 9_000);
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Boolean>> players = new ArrayList<>();
            for (int player = 0; player < 8; player++) {
                Random random = new Random(seed * 100 + player);
                players.add(() -> play(random, sessionIds, caps));
            }
            for (Future<Boolean> player : pool.invokeAll(players)) {
                assertThat(player.get()).as("seed %d", seed).isTrue();
            }
        }
        assertThat(ledger.discrepancies()).as("seed %d", seed).isEmpty();
    }

    private boolean play(Random random, List<String> sessionIds, Caps caps) {
        List<String> known = new ArrayList<>();
        for (int step = 0; step < 60; step++) {
            String in = sessionIds.get(random.nextInt(sessionIds.size()));
            String id = known.isEmpty() ? "none" : known.get(random.nextInt(known.size()));
            switch (random.nextInt(8)) {
                case 0 -> ledger.abandon(id, ANYBODY);
                case 1, 2 -> ledger.settle(id, settled(random.nextInt(300)));
                case 3 ->
                    ledger.settleQuietly(
                            id, settled(random.nextInt(300)), new Events.Entry("model.response", null, 1, "{}", "{}"));
                case 4 -> ledger.cap(in, 1_000 + random.nextInt(5_000));
                default -> {
                    String call = "mcl_" + UUID.randomUUID();
                    Decision decision = ledger.reserve(
                            new Ledger.Reservation(
                                    call,
                                    in,
                                    fixture.turnOf(in),
                                    null,
                                    1,
                                    "m",
                                    random.nextInt(400),
                                    null,
                                    "native",
                                    "v"),
                            caps);
                    if (decision instanceof Decision.Granted(Balance balance)) {
                        known.add(call);
                        if (balance.reservedNanoUsd() + balance.spentNanoUsd() > balance.capNanoUsd()) {
                            return false;
                        }
                    }
                }
            }
            if (step % 20 == 0 && !ledger.discrepancies().isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private static Judge judge(String controlPlane, boolean steady) {
        return new Judge(controlPlane, steady, Duration.ofSeconds(10), Duration.ofMinutes(10));
    }

    private Ledger.Reservation call(int seq, long worst) {
        return new Ledger.Reservation(session + seq, session, turn, seq, 1, "m", worst);
    }

    private Ledger.Reservation owned(int seq, String owner) {
        return new Ledger.Reservation(session + seq, session, turn, seq, 1, "m", 10, owner, "native", "v");
    }
}
