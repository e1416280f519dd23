package dev.skerry.controlplane.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.World;
import dev.skerry.store.Ledger;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionTemplate;

/** A store that stands still for a while, and throws nothing, makes no control plane look dead. */
@ControlPlaneTest
class StalledStoreTest {
    private static final String OTHER = "cp_other" + UUID.randomUUID();

    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    @Autowired
    Presence presence;

    @Autowired
    JdbcClient jdbc;

    @Autowired
    TransactionTemplate transactions;

    private final ScheduledExecutorService other = Executors.newSingleThreadScheduledExecutor();

    @BeforeEach
    void anotherControlPlaneIsUp() {
        var _ = other.scheduleWithFixedDelay(() -> ledger.beat(OTHER), 0, 1, TimeUnit.SECONDS);
        await().atMost(Duration.ofSeconds(15)).until(presence::steady);
    }

    @AfterEach
    void itLeaves() {
        other.shutdownNow();
        ledger.leave(OTHER);
    }

    @Test
    void callsOfControlPlanesThatAreUpStayReservedAndThoseOfDeadOnesAreSettledLater() {
        String mine = call(presence.id());
        String others = call(OTHER);
        transactions.executeWithoutResult(ignored -> {
            jdbc.sql("lock table control_planes in share row exclusive mode").update();
            await().during(Duration.ofSeconds(14))
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> state(mine).equals("reserved") && state(others).equals("reserved"));
        });
        String dead = call("cp_dead" + UUID.randomUUID());
        await().atMost(Duration.ofSeconds(30)).until(() -> state(dead).equals("settled"));
        assertThat(state(mine)).isEqualTo("reserved");
        assertThat(state(others)).isEqualTo("reserved");
    }

    @Test
    void aControlPlaneThatHasJustBegunToListenJudgesNobody() {
        presence.listen();
        assertThat(presence.steady()).isFalse();
        await().atMost(Duration.ofSeconds(15)).until(presence::steady);
    }

    private String call(String owner) {
        String session = world.session();
        String id = "mcl_" + UUID.randomUUID();
        ledger.reserve(new Ledger.Reservation(
                id, session, world.turn(session, "Go on."), 1, 1, "rehearsal", 10, owner, "native", "v"));
        return id;
    }

    private String state(String call) {
        return jdbc.sql("select state from model_calls where id = ?")
                .param(call)
                .query(String.class)
                .single();
    }
}
