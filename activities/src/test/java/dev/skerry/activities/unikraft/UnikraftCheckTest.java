package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.unikraft.UnikraftCheck.Step;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.Limits;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** What is said of metros that would do and of metros that would not. */
class UnikraftCheckTest {
    private static final String TOKEN = "token-of-a-checked-metro";

    @TempDir
    Path directory;

    private final List<Step> steps = new ArrayList<>();

    private MetroServer metro(Limits limits) throws IOException {
        Image image = new Image.Program(List.of("/bin/sh", "-c", "while :; do sleep 0.05; done"), List.of());
        return MetroServer.start(MetroConfiguration.local(TOKEN, directory, Map.of("test/sleeper:1", image))
                .withDriver(new DriverSettings.Processes(Isolation.PLAIN))
                .withLimits(limits));
    }

    private boolean check(int port, String token, String image) {
        return UnikraftCheck.run(
                new UnikraftSettings("m", "http://127.0.0.1:" + port, token, image, 64, 1, Duration.ofHours(1)),
                JsonMapper.builder().build(),
                steps::add);
    }

    @Test
    void livesAWholeLifeInAGoodMetroAndLeavesNothing() throws Exception {
        try (MetroServer metro = metro(Limits.standard())) {
            assertThat(check(metro.port(), TOKEN, "test/sleeper:1")).isTrue();
        }
        assertThat(steps)
                .extracting(Step::name)
                .containsExactly("quotas", "health", "image", "create", "suspend", "resume", "delete");
        assertThat(steps).allMatch(Step::ok);
        assertThat(directory.resolve("instances")).isEmptyDirectory();
    }

    @Test
    void aWrongTokenEndsItAndIsNotRepeated() throws Exception {
        try (MetroServer metro = metro(Limits.standard())) {
            assertThat(check(metro.port(), "wrong-token", "test/sleeper:1")).isFalse();
        }
        assertThat(steps).hasSize(1);
        assertThat(steps.getFirst().text()).contains("refused the token").doesNotContain("wrong-token");
    }

    @Test
    void aFullMetroAndAMissingImageAreNamed() throws Exception {
        try (MetroServer metro = metro(Limits.standard().withInstances(0))) {
            assertThat(check(metro.port(), TOKEN, "test/sleeper:1")).isFalse();
            assertThat(steps.getFirst().text()).contains("no room");
        }
        steps.clear();
        try (MetroServer metro = metro(Limits.standard())) {
            assertThat(check(metro.port(), TOKEN, "test/nowhere:1")).isFalse();
        }
        assertThat(steps)
                .filteredOn(step -> !step.ok())
                .extracting(Step::text)
                .singleElement()
                .asString()
                .contains("cannot get the image");
    }

    @Test
    void aMetroThatIsAwayIsSaidToBe() {
        assertThat(check(9, TOKEN, "test/sleeper:1")).isFalse();
        assertThat(steps)
                .singleElement()
                .satisfies(step -> assertThat(step.text()).contains("does not answer"));
    }
}
