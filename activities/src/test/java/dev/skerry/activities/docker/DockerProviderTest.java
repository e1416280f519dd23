package dev.skerry.activities.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import dev.skerry.testing.TestingDocker;
import io.micrometer.observation.ObservationRegistry;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class DockerProviderTest {
    private static final String INSTALLATION = "dockertest";
    private static final Runnable ALIVE = () -> {};
    private static DockerProvider provider = unused();
    private static HttpServer controlPlane = unusedServer();
    private static boolean engineAnswers;

    private final SessionId session = new SessionId("ses_01KAVX5T3M" + "0123456789ABCDEF");

    private static DockerProvider unused() {
        return provider(settings("none"));
    }

    private static HttpServer unusedServer() {
        try {
            return HttpServer.create();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static DockerSettings settings(String image) {
        return new DockerSettings("test", "", null, image, 256, 1, null, null, "10.212.0.0/20");
    }

    private static DockerProvider provider(DockerSettings settings) {
        return new DockerProvider(settings, INSTALLATION, ObservationRegistry.NOOP);
    }

    @BeforeAll
    static void startAControlPlaneOnTheEnginesMachine() throws Exception {
        provider = provider(settings(TestingDocker.image()));
        engineAnswers = true;
        controlPlane.bind(new InetSocketAddress(provider.machineAddress(), 0), 0);
        controlPlane.createContext("/", exchange -> {
            exchange.sendResponseHeaders(503, -1);
            exchange.close();
        });
        controlPlane.start();
    }

    @AfterAll
    static void removeWhatIsShared() throws Exception {
        controlPlane.stop(0);
        if (engineAnswers) {
            provider.removeShared();
        }
        provider.close();
    }

    @AfterEach
    void removeSandboxes() throws Exception {
        for (Owned owned : provider.listOwned(null).owned()) {
            provider.destroy(owned.name(), ALIVE);
        }
    }

    private static String url() {
        return "http://" + controlPlane.getAddress().getAddress().getHostAddress() + ":"
                + controlPlane.getAddress().getPort();
    }

    private Spec spec(int incarnation) {
        return spec(incarnation, url());
    }

    private Spec spec(int incarnation, String url) {
        return new Spec(
                SandboxName.of(INSTALLATION, session, incarnation),
                Map.of("SESSION_TOKEN", "boot-secret", "CONTROL_PLANE_URL", url, "SESSION_ID", session.value()),
                List.of("skerry", "installation=" + INSTALLATION, "session=" + session, "incarnation=" + incarnation));
    }

    private static String inside(Spec spec, String program) {
        return TestingDocker.docker("exec", "-u", "10002", spec.name().value(), "python3", "-c", program)
                .strip();
    }

    private static String dial(Spec spec, String address, int port) {
        return inside(spec, """
                import socket
                s = socket.socket(); s.settimeout(1)
                try:
                    s.connect(("%s", %d)); print("open")
                except OSError:
                    print("closed")
                """.formatted(address, port));
    }

    @Test
    void reachesTheControlPlaneThroughTheDoorAndNothingElse() throws Exception {
        Spec one = spec(1);
        Spec other = spec(2);
        provider.create(one, ALIVE);
        provider.create(other, ALIVE);
        int port = controlPlane.getAddress().getPort();
        Subnet own = subnet(one);
        Subnet others = subnet(other);

        assertThat(inside(one, """
                import http.client
                c = http.client.HTTPConnection("%s", %d, timeout=5)
                c.request("GET", "/")
                print(c.getresponse().status)
                """.formatted(own.door(), port))).isEqualTo("503");
        assertThat(dial(one, own.door(), port + 1)).isEqualTo("closed");
        assertThat(dial(one, own.bridge(), 22)).isEqualTo("closed");
        assertThat(dial(one, controlPlane.getAddress().getAddress().getHostAddress(), port))
                .isEqualTo("closed");
        assertThat(dial(one, others.sandbox(), 1)).isEqualTo("closed");
        assertThat(dial(one, others.door(), port)).isEqualTo("closed");
        assertThat(dial(one, "169.254.169.254", 80)).isEqualTo("closed");
        assertThat(dial(one, "198.51.100.1", 443)).isEqualTo("closed");
        assertThat(inside(one, """
                import socket
                try:
                    print(socket.getaddrinfo("example.com", 443))
                except OSError:
                    print("unknown")
                """)).isEqualTo("unknown");
    }

    private static Subnet subnet(Spec spec) {
        return Subnet.parse(TestingDocker.docker(
                        "network",
                        "inspect",
                        "-f",
                        "{{(index .IPAM.Config 0).Subnet}}",
                        spec.name().value())
                .strip());
    }

    @Test
    void aNetworkThatLostItsContainerIsListedAndRemoved() throws Exception {
        Spec spec = spec(3);
        provider.create(spec, ALIVE);
        TestingDocker.docker("rm", "-f", spec.name().value());

        assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.GONE);
        assertThat(provider.listOwned(null).owned()).singleElement().satisfies(owned -> {
            assertThat(owned.name()).isEqualTo(spec.name());
            assertThat(owned.tags()).containsAll(spec.tags());
        });
        provider.destroy(spec.name(), ALIVE);
        assertThat(provider.listOwned(null).owned()).isEmpty();
    }

    @Test
    void doorIsBuiltAgainForSandboxesThatAreThereWhenItWasLost() throws Exception {
        Spec spec = spec(4);
        provider.create(spec, ALIVE);
        TestingDocker.docker("rm", "-f", "skerry-" + INSTALLATION + "-door");
        provider.create(spec(5), ALIVE);

        await().untilAsserted(() -> assertThat(dial(
                        spec, subnet(spec).door(), controlPlane.getAddress().getPort()))
                .isEqualTo("open"));
    }

    @Test
    void saysWhyASandboxCannotBeResumed() throws Exception {
        Spec spec = spec(6);
        provider.create(spec, ALIVE);
        provider.suspend(spec.name(), ALIVE);
        TestingDocker.docker("kill", spec.name().value());

        assertThatThrownBy(() -> provider.resume(spec.name(), ALIVE))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("was killed")
                .hasMessageContaining("memory is gone");
    }

    @Test
    void namesTheCommandThatMakesAMissingImage() {
        DockerProvider without = provider(settings("skerry/none:none"));

        assertThatThrownBy(() -> without.create(spec(7), ALIVE))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("skerry image build");
    }

    @Test
    void refusesAControlPlaneThatOnlyThisMachineCanReach() {
        assertThatThrownBy(() -> provider.create(spec(8, "http://127.0.0.1:8085"), ALIVE))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("skerry.control-plane.sandbox-url");
    }

    @Test
    void namesARuntimeThatTheEngineDoesNotHaveAndLeavesNothing() throws Exception {
        for (String runtime : new String[] {"runsc", "kata"}) {
            DockerSettings settings = new DockerSettings(
                    "test", "", null, TestingDocker.image(), 256, 1, runtime + "-of-nobody", null, "10.212.0.0/20");

            assertThatThrownBy(() -> provider(settings).create(spec(9), ALIVE))
                    .isInstanceOf(ProviderException.Rejected.class)
                    .hasMessageContaining("has no runtime " + runtime + "-of-nobody")
                    .hasMessageContaining("daemon.json");
            assertThat(provider.listOwned(null).owned()).isEmpty();
        }
    }

    @Test
    void leavesTheTokenOutOfCommandLinesAndMessages() throws Exception {
        Spec spec = spec(10);
        provider.create(spec, ALIVE);

        assertThat(TestingDocker.docker("top", spec.name().value())).doesNotContain("boot-secret");
        assertThat(spec).asString().doesNotContain("boot-secret");
    }
}
