package dev.skerry.activities.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import io.micrometer.observation.ObservationRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An engine elsewhere is spoken to over TLS, each side proving who it is. */
@Timeout(120)
class DockerTlsTest {
    private static final String IMAGE = "skerry/sandbox:tls";
    private static final SessionId SESSION = new SessionId("ses_01KAVX5T3M" + "0123456789ABCDEF");
    private static final Runnable ALIVE = () -> {};

    private static @Nullable TestingTlsEngine started;

    @BeforeAll
    static void start() throws Exception {
        started = TestingTlsEngine.start();
    }

    @AfterAll
    static void stop() throws Exception {
        if (started != null) {
            started.end();
        }
    }

    private static TestingTlsEngine engine() {
        return java.util.Objects.requireNonNull(started);
    }

    private static DockerProvider provider(@Nullable Path certificates) {
        return new DockerProvider(
                new DockerSettings(
                        "elsewhere",
                        engine().url(),
                        certificates == null ? null : certificates.toString(),
                        IMAGE,
                        256,
                        1,
                        null,
                        null,
                        "10.213.0.0/20"),
                "tlstest",
                ObservationRegistry.NOOP);
    }

    @Test
    void livesASandboxsWholeLifeThereAndHearsOfItsEnd() throws Exception {
        engine().run("python3", "../sandbox-image/build", "docker", "--tag", IMAGE);
        SandboxName name = SandboxName.of("tlstest", SESSION, 1);
        Spec spec = new Spec(
                name,
                Map.of("SESSION_TOKEN", "t", "CONTROL_PLANE_URL", "http://10.213.0.1:9", "SESSION_ID", SESSION.value()),
                List.of("skerry", "installation=tlstest", "session=" + SESSION, "incarnation=1"));
        List<SessionId> lost = new CopyOnWriteArrayList<>();
        try (DockerProvider provider = provider(engine().client());
                AutoCloseable _ = provider.watch((session, _) -> lost.add(session))) {
            provider.create(spec, ALIVE);
            provider.suspend(name, ALIVE);
            assertThat(provider.inspect(name)).isEqualTo(Sighting.FROZEN);
            provider.resume(name, ALIVE);
            assertThat(provider.listOwned(null).owned())
                    .singleElement()
                    .satisfies(owned -> assertThat(owned.name()).isEqualTo(name));

            engine().run("docker", "kill", name.value());
            await().untilAsserted(() -> assertThat(lost).containsExactly(SESSION));
            provider.destroy(name, ALIVE);
            assertThat(provider.inspect(name)).isEqualTo(Sighting.GONE);
            provider.removeShared();
        }
    }

    @Test
    void isNotLetInWithoutACertificateThatTheEngineTrusts() {
        for (Path certificates : new Path[] {null, engine().stranger()}) {
            try (DockerProvider provider = provider(certificates)) {
                assertThatThrownBy(() -> provider.listOwned(null))
                        .isInstanceOf(ProviderException.class)
                        .hasMessageContaining("Docker Engine of metro elsewhere");
            }
        }
    }

    @Test
    void saysThatTheCertificatesAreMissing() {
        assertThatThrownBy(() -> provider(Path.of("/no/such/folder"))).hasMessageContaining("/no/such/folder");
    }
}
