package dev.skerry.session;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.testing.TestingTemporal;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random commands, faults, deaths, worker restarts and crashes, and timeouts that pass in the middle of it all, compared with what a session
 * promises: never two live sandboxes, none left when it is over, accepted messages handled exactly once and in order, no life cut
 * short, never stuck.
 *
 * <p>{@code -Dskerry.steps=50000} plays longer; {@code -Dskerry.seed=N} plays one game again, the one that a failure names: the same
 * commands and faults, though threads may take turns differently.
 */
class ModelTest {
    private static final int STEPS = Integer.getInteger("skerry.steps", 2_400);

    @TempDir
    private static Path directory;

    @Test
    @Timeout(7_200)
    void keepsItsPromisesWhateverHappens() throws Exception {
        Long seed = Long.getLong("skerry.seed");
        long first = seed == null ? 1 : seed;
        long games = seed == null ? Math.max(1, STEPS / ModelGame.STEPS) : 1;
        try (TestingTemporal temporal = TestingTemporal.start(directory, SearchAttributes.cliTypes())) {
            for (long game = first; game < first + games; game++) {
                play(temporal.target(), game);
            }
        }
    }

    private static void play(String target, long seed) throws Exception {
        try (ModelWorld world = new ModelWorld(target)) {
            new ModelGame(world, seed).play();
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("-Dskerry.seed=" + seed + " breaks a promise: " + e.getMessage(), e);
        }
    }
}
