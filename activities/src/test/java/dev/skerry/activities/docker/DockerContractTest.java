package dev.skerry.activities.docker;

import dev.skerry.activities.provider.AbstractSandboxProviderTest;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.session.SandboxName;
import dev.skerry.testing.TestingDocker;
import io.micrometer.observation.ObservationRegistry;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The Docker driver against a real engine. */
class DockerContractTest extends AbstractSandboxProviderTest {
    private static final Map<String, DockerProvider> PROVIDERS = new HashMap<>();
    private static String image = "";

    @BeforeAll
    static void findAnEngine() {
        image = TestingDocker.image();
    }

    @AfterAll
    static void removeWhatIsShared() throws Exception {
        for (DockerProvider provider : PROVIDERS.values()) {
            provider.removeShared();
            provider.close();
        }
    }

    private static DockerProvider provider(String installation, String image) {
        return new DockerProvider(
                new DockerSettings("contract", "", null, image, 128, 1, null, null, "10.212.16.0/20"),
                installation,
                ObservationRegistry.NOOP);
    }

    @Override
    protected synchronized SandboxProvider provider(String installation) {
        return PROVIDERS.computeIfAbsent(installation, name -> provider(name, image));
    }

    @Override
    protected SandboxProvider providerWithoutImage() {
        return provider(INSTALLATION, "skerry/nowhere:1");
    }

    @Override
    protected String controlPlaneUrl() {
        return "http://192.0.2.7:9";
    }

    @Override
    protected void crash(SandboxName name) {
        TestingDocker.docker("kill", name.value());
    }
}
