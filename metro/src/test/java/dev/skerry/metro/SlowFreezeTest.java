package dev.skerry.metro;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.metro.Instance.State;
import dev.skerry.metro.driver.Exit;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.metro.driver.Usage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** While one instance takes its time to freeze, the others live on, and it can be looked at and be told what comes next. */
class SlowFreezeTest {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final String IMAGE = "i:1";

    @TempDir
    private Path directory;

    private final CountDownLatch freezing = new CountDownLatch(1);
    private final CountDownLatch mayFreeze = new CountDownLatch(1);
    private Instances instances;

    @BeforeEach
    void open() throws IOException {
        Faults faults = new Faults(0);
        InstanceStore store = new InstanceStore(directory);
        Images images = new Images(Map.of(IMAGE, new Image.Program(List.of("/bin/true"), List.of())));
        instances = new Instances(
                Limits.standard(),
                images,
                store,
                faults,
                new Audit(JsonMapper.builder().build()));
        instances.open(new Boxes(new SlowDriver(), instances, store, faults));
    }

    @AfterEach
    void close() {
        mayFreeze.countDown();
        instances.close(true);
    }

    @Test
    @Timeout(30)
    void othersAreMadeSuspendedWokenAndDeletedMeanwhile() throws Exception {
        Instance slow = running("slow");
        instances.suspend(slow);
        freezing.await();

        Instance other = running("other");
        instances.suspend(other);
        assertThat(reaches(other, State.STANDBY)).isTrue();
        instances.start(other);
        assertThat(reaches(other, State.RUNNING)).isTrue();
        instances.delete(other);
        assertThat(reaches(other, State.DELETED)).isTrue();

        assertThat(instances.find("slow")).contains(slow);
        assertThat(slow.state).isEqualTo(State.STOPPING);
        mayFreeze.countDown();
        assertThat(reaches(slow, State.STANDBY)).isTrue();
    }

    @Test
    @Timeout(30)
    void aDeletionIsAcceptedMeanwhileAndFollows() throws Exception {
        Instance slow = running("slow");
        instances.suspend(slow);
        freezing.await();
        instances.delete(slow);
        assertThat(slow.deleting).isTrue();
        assertThat(slow.state).isEqualTo(State.STOPPING);
        mayFreeze.countDown();
        assertThat(reaches(slow, State.DELETED)).isTrue();
        assertThat(instances.all()).isEmpty();
    }

    private Instance running(String name) throws ItemException {
        Instance made = instances.create(new Order(
                name, IMAGE, null, List.of(), Map.of(), 64, 1, "", List.of(), Map.of(), false, "never", null, List.of(),
                0, null, true));
        assertThat(reaches(made, State.RUNNING)).isTrue();
        return made;
    }

    private boolean reaches(Instance instance, State state) {
        return instances.await(instance, found -> found.state == state, PATIENCE);
    }

    /** The one called slow freezes when it may. */
    private final class SlowDriver implements SandboxDriver {
        @Override
        public String description() {
            return "slow";
        }

        @Override
        public boolean boots(Image image) {
            return true;
        }

        @Override
        public Sandbox start(Launch launch) {
            return new SlowSandbox(launch.name().equals("slow"));
        }

        @Override
        public Sandbox find(Launch launch) {
            throw new UnsupportedOperationException();
        }
    }

    private final class SlowSandbox implements Sandbox {
        private final boolean slow;
        private volatile Condition condition = Condition.RUNNING;

        private SlowSandbox(boolean slow) {
            this.slow = slow;
        }

        @Override
        public Condition condition() {
            return condition;
        }

        @Override
        public void freeze() throws IOException {
            if (slow) {
                freezing.countDown();
                try {
                    mayFreeze.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
            condition = Condition.FROZEN;
        }

        @Override
        public void thaw() {
            condition = Condition.RUNNING;
        }

        @Override
        public void end(Duration grace) {
            condition = Condition.ENDED;
        }

        @Override
        public void onExit(Consumer<Exit> action) {}

        @Override
        public Usage usage() {
            return Usage.NONE;
        }
    }
}
