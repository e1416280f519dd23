package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.provider.AbstractSandboxProviderTest;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.qemu.Door;
import dev.skerry.session.SandboxName;
import dev.skerry.testing.TestingMicroVmImage;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** The Unikraft driver against a real metro of micro-VMs. */
class UnikraftOnMicroVmsTest extends AbstractSandboxProviderTest {
    private static final String TOKEN = "token-of-the-contract";
    private static final String IMAGE = "contract/sleeper:1";
    private static final int MEMORY_MB = 128;

    @TempDir
    static Path directory;

    private static @Nullable MetroServer metro;

    @BeforeAll
    static void startMetro() throws IOException, InterruptedException {
        TestingMicroVmImage built = TestingMicroVmImage.demand();
        Image image = new Image.Machine(
                built.kernel(), built.initrd(), built.disk(), List.of("/bin/sh", "-c", "while :; do sleep 0.05; done"));
        Door door = new Door("127.0.0.1", 9);
        metro = MetroServer.start(MetroConfiguration.local(TOKEN, directory, Map.of(IMAGE, image))
                .withDriver(new DriverSettings.MicroVms(door, built.kernel(), TestingMicroVmImage.accelerator())));
    }

    @AfterAll
    static void stopMetro() {
        if (metro != null) {
            metro.close();
        }
    }

    private static SandboxProvider provider(String installation, String image) {
        String url = "http://127.0.0.1:" + (metro == null ? 0 : metro.port());
        return new UnikraftProvider(
                new UnikraftSettings("contract", url, TOKEN, image, MEMORY_MB, 1, Duration.ofHours(1)),
                installation,
                JsonMapper.builder().build(),
                ObservationRegistry.NOOP);
    }

    @Override
    protected SandboxProvider provider(String installation) {
        return provider(installation, IMAGE);
    }

    @Override
    protected SandboxProvider providerWithoutImage() {
        return provider(INSTALLATION, "contract/nowhere:1");
    }

    @Override
    protected String controlPlaneUrl() {
        return "http://127.0.0.1:9";
    }

    /** Kills the one QEMU there is. */
    @Override
    protected void crash(SandboxName name) throws Exception {
        int killed = 0;
        for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
            Path cwd = Path.of("/proc", Long.toString(process.pid()), "cwd");
            try {
                if (Files.readSymbolicLink(cwd).startsWith(directory.toRealPath())) {
                    killed += process.destroyForcibly() ? 1 : 0;
                }
            } catch (IOException e) {
                continue;
            }
        }
        assertThat(killed).isPositive();
    }
}
