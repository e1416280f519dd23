package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.FaultySettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import io.micrometer.observation.ObservationRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** The driver against a real metro on its bad days: an attempt may fail, the next one finds its feet, and nothing is left behind. */
class BadMetroTest {
    private static final String TOKEN = "token-of-a-bad-metro";
    private static final String FAULTS = "faults-of-a-bad-metro";
    private static final Runnable ALIVE = () -> {};
    private static final Spec SPEC = new Spec(
            new SandboxName("skerry-inst-01-1"), Map.of("SESSION_TOKEN", "s"), List.of("skerry", "installation=inst"));

    @TempDir
    Path directory;

    private MetroServer metro;
    private UnikraftProvider provider;

    @BeforeEach
    void start() throws Exception {
        Image image = new Image.Program(List.of("/bin/sh", "-c", "echo up; while :; do sleep 0.05; done"), List.of());
        metro = MetroServer.start(MetroConfiguration.local(TOKEN, directory, Map.of("test/sleeper:1", image))
                .withDriver(new DriverSettings.Processes(Isolation.PLAIN))
                .withFaulty(new FaultySettings(0, FAULTS, "", 1)));
        provider = new UnikraftProvider(
                new UnikraftSettings(
                        "bad", "http://127.0.0.1:" + metro.port(), TOKEN, "test/sleeper:1", 64, 1, Duration.ofHours(1)),
                "inst",
                JsonMapper.builder().build(),
                ObservationRegistry.NOOP);
    }

    @AfterEach
    void stop() {
        metro.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"fault\":\"cut\",\"operations\":[\"create\"],\"next\":1}",
                "{\"fault\":\"cut_after\",\"operations\":[\"create\"],\"next\":1}",
                "{\"fault\":\"html\",\"operations\":[\"create\"],\"next\":1}",
                "{\"fault\":\"html_after\",\"status\":504,\"operations\":[\"create\"],\"next\":1}",
                "{\"fault\":\"throttle\",\"operations\":[\"create\"],\"next\":1}",
                "{\"fault\":\"partial\",\"operations\":[\"create\"],\"next\":1}",
                "{\"fault\":\"boot_crash\",\"next\":1}",
                "{\"fault\":\"cut\",\"operations\":[\"get\"],\"next\":2}",
                "{\"fault\":\"html\",\"status\":503,\"operations\":[\"get\"],\"next\":2}"
            })
    void aCreateSucceedsAtTheLatestOnItsSecondAttemptAndMakesOne(String fault) throws Exception {
        arm(fault);
        try {
            provider.create(SPEC, ALIVE);
        } catch (ProviderException.Unknown | ProviderException.Throttled | ProviderException.BootFailed e) {
            provider.create(SPEC, ALIVE);
        }
        assertThat(provider.inspect(SPEC.name())).isEqualTo(Sighting.RUNNING);
        assertThat(provider.listOwned(null).owned()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"fault\":\"cut_after\",\"operations\":[\"suspend\",\"start\",\"delete\"],\"probability\":0.5}",
                "{\"fault\":\"html_after\",\"operations\":[\"suspend\",\"start\",\"delete\"],\"probability\":0.5}",
                "{\"fault\":\"cut\",\"operations\":[\"get\"],\"probability\":0.2}",
                "{\"fault\":\"busy\",\"operations\":[\"delete\"],\"probability\":0.5}",
                "{\"fault\":\"slow\",\"delay_ms\":200,\"probability\":0.5}"
            })
    void aWholeLifeIsLivedByAskingAgain(String fault) throws Exception {
        arm(fault);
        again(() -> provider.create(SPEC, ALIVE));
        again(() -> provider.suspend(SPEC.name(), ALIVE));
        again(() -> provider.resume(SPEC.name(), ALIVE));
        again(() -> provider.destroy(SPEC.name(), ALIVE));
        arm("[]");
        assertThat(provider.listOwned(null).owned()).isEmpty();
    }

    @Test
    void aFailedBootTellsWhatTheConsoleSaidAndLeavesNothing() throws Exception {
        arm("{\"fault\":\"boot_crash\",\"next\":1}");
        assertThatThrownBy(() -> provider.create(SPEC, ALIVE))
                .isInstanceOfSatisfying(
                        ProviderException.BootFailed.class,
                        failed -> assertThat(failed.lastWords()).contains("out of memory"));
        assertThat(provider.listOwned(null).owned()).isEmpty();
    }

    @Test
    void aFullMetroSaysSo() throws Exception {
        arm("{\"fault\":\"quota\",\"operations\":[\"create\"],\"next\":1}");
        assertThatThrownBy(() -> provider.create(SPEC, ALIVE)).isInstanceOf(ProviderException.Full.class);
        assertThat(provider.room()).hasValue(64);
        provider.create(SPEC, ALIVE);
        assertThat(provider.room()).hasValue(63);
    }

    @Test
    void aMetroThatAsksToWaitSaysHowLong() throws Exception {
        arm("{\"fault\":\"throttle\",\"operations\":[\"create\"],\"next\":1,\"retry_after_s\":9}");
        assertThatThrownBy(() -> provider.create(SPEC, ALIVE))
                .isInstanceOfSatisfying(
                        ProviderException.Throttled.class,
                        throttled -> assertThat(throttled.retryAfter()).hasSeconds(9));
    }

    @Test
    void anImageThatWasJustPushedIsFoundLater() throws Exception {
        arm("{\"fault\":\"image_slow\",\"delay_ms\":60000,\"next\":1}");
        assertThatThrownBy(() -> provider.create(SPEC, ALIVE)).isInstanceOf(ProviderException.Rejected.class);
        provider.create(SPEC, ALIVE);
        assertThat(provider.inspect(SPEC.name())).isEqualTo(Sighting.RUNNING);
    }

    private interface Attempt {
        void run() throws ProviderException;
    }

    private static void again(Attempt attempt) throws ProviderException {
        for (int number = 1; number < 10; number++) {
            try {
                attempt.run();
                return;
            } catch (ProviderException.Unknown e) {
                continue;
            }
        }
        attempt.run();
    }

    private void arm(String rule) throws Exception {
        int status = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + metro.faultPort() + "/v1/faults"))
                                .header("Authorization", "Bearer " + FAULTS)
                                .PUT(BodyPublishers.ofString(rule))
                                .build(),
                        BodyHandlers.discarding())
                .statusCode();
        assertThat(status).isEqualTo(200);
    }
}
