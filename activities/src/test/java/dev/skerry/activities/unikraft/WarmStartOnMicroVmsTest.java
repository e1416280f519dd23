package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.qemu.Door;
import dev.skerry.session.Provisioned;
import dev.skerry.session.Provisioned.Start;
import dev.skerry.session.SandboxName;
import dev.skerry.testing.TestingMicroVmImage;
import io.micrometer.observation.ObservationRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** Warm starts of the driver against a real metro of micro-VMs: a clone goes on where the template waited. */
class WarmStartOnMicroVmsTest {
    private static final Runnable ALIVE = () -> {};
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    private static final String PROGRAM =
            "echo begun; if [ -n \"$SESSION_VALUES\" ]; then echo warm, waiting for a session.;"
                    + " while [ ! -s $SESSION_VALUES/ENTROPY ]; do sleep 0.05; done; SESSION_TOKEN=$(cat $SESSION_VALUES/SESSION_TOKEN);"
                    + " CONTROL_PLANE_URL=$(cat $SESSION_VALUES/CONTROL_PLANE_URL); fi;"
                    + " while :; do echo $(uname -n) at $CONTROL_PLANE_URL with $SESSION_TOKEN; sleep 0.5; done";

    @TempDir
    private Path directory;

    @Test
    void aCloneGoesOnInTheTemplatesMemoryWithItsOwnValuesAndSurvivesAStandby() throws Exception {
        TestingMicroVmImage built = TestingMicroVmImage.demand();
        Image image =
                new Image.Machine(built.kernel(), built.initrd(), built.disk(), List.of("/bin/bash", "-c", PROGRAM));
        Door door = new Door("127.0.0.1", 9);
        try (MetroServer metro = MetroServer.start(MetroConfiguration.local("secret", directory, Map.of("i:1", image))
                .withDriver(new DriverSettings.MicroVms(door, built.kernel(), TestingMicroVmImage.accelerator())))) {
            UnikraftProvider provider = new UnikraftProvider(
                    new UnikraftSettings(
                            "warm",
                            "http://127.0.0.1:" + metro.port(),
                            "secret",
                            "i:1",
                            128,
                            1,
                            Duration.ofHours(1),
                            Duration.ofDays(1)),
                    "inst",
                    JsonMapper.builder().build(),
                    ObservationRegistry.NOOP);
            Provisioned first = provider.create(spec("cold-1"), ALIVE);
            assertThat(first.start()).isEqualTo(Start.COLD);
            provider.destroy(new SandboxName("cold-1"), ALIVE);

            SandboxName clone = new SandboxName("warm-1");
            Awaitility.await().pollInterval(BETWEEN_LOOKS).atMost(PATIENCE).until(() -> {
                boolean warm = provider.create(spec(clone.value()), ALIVE).start() == Start.WARM;
                if (!warm) {
                    provider.destroy(clone, ALIVE);
                }
                return warm;
            });
            String own = "warm-1 at http://10.0.2.100:9 with secret-of-warm-1";
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> said(provider, clone).contains(own));
            assertThat(said(provider, clone)).doesNotContain("begun");

            provider.suspend(clone, ALIVE);
            String before = said(provider, clone);
            provider.resume(clone, ALIVE);
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> said(provider, clone).length() > before.length());
        }
    }

    private static String said(UnikraftProvider provider, SandboxName name) throws Exception {
        return provider.lastWords(name).orElse("");
    }

    private static Spec spec(String name) {
        Map<String, String> environment = Map.of(
                "SESSION_TOKEN", "secret-of-" + name, "CONTROL_PLANE_URL", "http://127.0.0.1:9", "SESSION_ID", "ses_1");
        return new Spec(new SandboxName(name), environment, List.of("skerry", "installation=inst"));
    }
}
