package dev.skerry.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@StoreTest
class LedgerTest {
    @Autowired
    private Ledger ledger;

    @Autowired
    private StoreFixture fixture;

    private String session;
    private String turn;

    @BeforeEach
    void oneSessionWithACapOfThousand() {
        session = fixture.session(1_000);
        turn = fixture.turn(session);
    }

    @Test
    void refusesWhatWouldPassTheCapCountingCallsInFlight() {
        assertThat(ledger.reserve(call(1, 600))).isPresent();
        assertThat(ledger.reserve(call(2, 401))).isEmpty();
        assertThat(ledger.reserve(call(3, 400))).isPresent();
        assertThat(ledger.balance(session).remainingNanoUsd()).isZero();
    }

    @Test
    void refusedReservationsLeaveNoTraceEvenWhenTheTenantsCapIsTheReason() {
        fixture.capTenant(session, 100);
        assertThat(ledger.reserve(call(1, 101))).isEmpty();
        assertThat(ledger.balance(session)).isEqualTo(new Ledger.Balance(1_000, 0, 0));
    }

    @Test
    void settlesOnceAndGivesTheRestBack() {
        ledger.reserve(call(1, 600));
        assertThat(ledger.settle(session + "1", new Ledger.Settlement(50, 10, 5, false, "ok")))
                .contains(new Ledger.Balance(1_000, 0, 50));
        assertThat(ledger.settle(session + "1", new Ledger.Settlement(50, 10, 5, false, "ok")))
                .isEmpty();
        assertThat(ledger.balance(session)).isEqualTo(new Ledger.Balance(1_000, 0, 50));
        assertThat(ledger.usage(session, turn)).containsExactly(new Ledger.Usage("m", 1, 10, 5, 50));
    }

    @Test
    void neverPassesTheCapUnderConcurrency() throws Exception {
        List<Callable<Boolean>> calls = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            Ledger.Reservation reservation = call(i + 1, 20);
            calls.add(() -> ledger.reserve(reservation).isPresent());
        }
        int passed = 0;
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Boolean> call : pool.invokeAll(calls)) {
                passed += call.get() ? 1 : 0;
            }
        }
        assertThat(passed).isEqualTo(50);
        assertThat(ledger.balance(session)).isEqualTo(new Ledger.Balance(1_000, 1_000, 0));
    }

    private Ledger.Reservation call(int seq, long worst) {
        return new Ledger.Reservation(session + seq, session, turn, seq, 1, "m", worst);
    }
}
