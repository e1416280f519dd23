package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.testing.TestingTemporal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server takes no more than so many updates of one run; a session that waits has to outlive that. */
@Timeout(120)
class LongWaitTest {
    private static final Timeouts PATIENT =
            new Timeouts(Duration.ofMinutes(5), Duration.ofDays(7), Duration.ofDays(30));
    private static final int MOST_UPDATES = 20;

    @Test
    void wishesThatChangeNothingNeverUseUpASession(@TempDir Path directory) throws Exception {
        try (TestingTemporal temporal = TestingTemporal.start(
                        directory,
                        SearchAttributes.cliTypes(),
                        Map.of("history.maxTotalUpdates", Integer.toString(MOST_UPDATES)));
                TestingWorld world = new TestingWorld(PATIENT, temporal.target())) {
            TestingWorld.Session session = world.start(null);
            session.await(Status.IDLE);
            wishInVain(session);
            session.workflow.suspend();
            session.awaitSuspended();
            wishInVain(session);
            session.workflow.resume();
            session.await(Status.IDLE);
            session.lose(session.workflow.status().incarnation());
            session.awaitSuspended();
            wishInVain(session);
            session.workflow.submitTurn(world.turn());
            world.awaitTurns(1);
            session.workflow.terminate(new Reason("deleted", "Deleted by its owner."));
            session.awaitEnd();
            assertThat(session.runs()).isGreaterThan(3);
            assertThat(world.running).isEmpty();
        }
    }

    private static void wishInVain(TestingWorld.Session session) {
        for (int wish = 0; wish < 2 * MOST_UPDATES; wish++) {
            session.workflow.cancelTurn();
        }
    }
}
