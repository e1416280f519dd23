package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.provider.AbstractSandboxProviderTest;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.FaultySettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import dev.skerry.session.SandboxName;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** The Unikraft driver against a real metro of processes. */
class UnikraftOnProcessesTest extends AbstractSandboxProviderTest {
    private static final String TOKEN = "token-of-the-contract";
    private static final String IMAGE = "contract/sleeper:1";

    @TempDir
    static Path directory;

    private static MetroServer metro;

    @BeforeAll
    static void startMetro() throws IOException {
        Image image = new Image.Program(List.of("/bin/sh", "-c", "while :; do sleep 0.05; done"), List.of());
        metro = MetroServer.start(MetroConfiguration.local(TOKEN, directory, Map.of(IMAGE, image))
                .withDriver(new DriverSettings.Processes(Isolation.PLAIN))
                .withFaulty(new FaultySettings(0, "faults-of-the-contract", "", 1)));
    }

    @AfterAll
    static void stopMetro() {
        metro.close();
    }

    private static SandboxProvider provider(String installation, String image) {
        return new UnikraftProvider(
                new UnikraftSettings(
                        "contract", "http://127.0.0.1:" + metro.port(), TOKEN, image, 64, 1, Duration.ofHours(1)),
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

    /** Kills the processes that work in the workspace of the one instance there is. */
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
