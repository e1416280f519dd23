package dev.skerry.metro;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.metro.TestingMetro.Answer;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A metro that misbehaves as told, and only as told. */
class FaultsTest {
    private static final String ADMIN = "admin-token";
    private static final String CREATE = "{\"name\":\"web\",\"image\":\"test/sleeper:1\"}";
    private static final String CREATE_AND_WAIT =
            "{\"name\":\"web\",\"image\":\"test/sleeper:1\",\"autostart\":true,\"timeout_s\":10}";

    @TempDir
    Path directory;

    private TestingMetro metro;

    @BeforeEach
    void start() {
        metro = TestingMetro.start(
                directory, configuration -> configuration.withFaulty(new FaultySettings(0, ADMIN, "", 1)));
    }

    @AfterEach
    void stop() {
        metro.close();
    }

    @Test
    void neitherTokenOpensTheOtherPort() {
        assertThat(metro.admin(TestingMetro.TOKEN, "GET", "/v1/faults", "").status())
                .isEqualTo(401);
        assertThat(metro.send(metro.server().port(), ADMIN, "GET", "/v1/instances", "")
                        .status())
                .isEqualTo(401);
        assertThat(metro.call("GET", "/v1/faults").status()).isEqualTo(404);
        assertThat(metro.call("POST", "/v1/faults", "{\"fault\":\"cut\",\"next\":1}")
                        .status())
                .isEqualTo(404);
    }

    @Test
    void thereIsNoFaultInjectionUnlessConfigured() {
        try (TestingMetro honest = TestingMetro.start(directory.resolve("honest"))) {
            assertThat(honest.server().faultPort()).isZero();
        }
    }

    @Test
    void theMetrosOwnTokenIsNoTokenForFaults() {
        assertThatThrownBy(() -> TestingMetro.start(
                        directory.resolve("other"),
                        configuration -> configuration.withFaulty(new FaultySettings(0, TestingMetro.TOKEN, "", 1))))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void throttlesTheNextTwo() {
        arm("{\"fault\":\"throttle\",\"operations\":[\"create\"],\"next\":2,\"retry_after_s\":7}");
        assertThat(metro.call("POST", "/v1/instances", CREATE).status()).isEqualTo(429);
        assertThat(metro.call("GET", "/v1/instances").status()).isEqualTo(200);
        assertThat(metro.call("POST", "/v1/instances", CREATE).status()).isEqualTo(429);
        assertThat(metro.call("POST", "/v1/instances", CREATE).status()).isEqualTo(200);
    }

    @Test
    void answersWithTheProxysPageWithoutAnEffectOrWithOne() {
        arm("{\"fault\":\"html\",\"operations\":[\"create\"],\"next\":1,\"status\":503}");
        Answer before = metro.call("POST", "/v1/instances", CREATE);
        assertThat(before.status()).isEqualTo(503);
        assertThat(before.text()).contains("<html>");
        assertThat(metro.call("GET", "/v1/instances").items()).isEmpty();
        arm("{\"fault\":\"html_after\",\"operations\":[\"create\"],\"next\":1,\"status\":504}");
        assertThat(metro.call("POST", "/v1/instances", CREATE).status()).isEqualTo(504);
        assertThat(metro.call("GET", "/v1/instances").items()).hasSize(1);
    }

    @Test
    void closesTheConnectionAfterTheCreateTookEffect() {
        arm("{\"fault\":\"cut_after\",\"operations\":[\"create\"],\"names\":\"w.*\",\"next\":1}");
        assertThatThrownBy(() -> metro.call("POST", "/v1/instances", CREATE)).isInstanceOf(UncheckedIOException.class);
        assertThat(metro.read("web").path("state").asString()).isEqualTo("stopped");
    }

    @Test
    void failsOneItemAndNotTheOther() {
        metro.running("one", "");
        metro.running("two", "");
        arm("{\"fault\":\"busy\",\"operations\":[\"delete\"],\"names\":\"two\",\"next\":1}");
        Answer answer = metro.call("DELETE", "/v1/instances", "[{\"name\":\"one\"},{\"name\":\"two\"}]");
        assertThat(answer.envelope()).isEqualTo("partial_success");
        assertThat(answer.items().get(1).path("message").asString()).contains("-16");
        assertThat(metro.read("two").path("state").asString()).isEqualTo("running");
    }

    @Test
    void anImageCannotBePulled() {
        arm("{\"fault\":\"image_pull\",\"next\":1}");
        assertThat(metro.call("POST", "/v1/instances", CREATE_AND_WAIT)
                        .item()
                        .path("state")
                        .asString())
                .isEqualTo("stopped");
        assertThat(metro.read("web").path("stop_reason").asInt()).isEqualTo(4);
        assertThat(metro.read("web").path("stop_code").asInt()).isEqualTo(1);
    }

    @Test
    void aKernelBreaksWhileItBoots() {
        arm("{\"fault\":\"boot_crash\",\"next\":1}");
        metro.call("POST", "/v1/instances", CREATE_AND_WAIT);
        assertThat(metro.read("web").path("stop_reason").asInt()).isEqualTo(1);
        assertThat(metro.read("web").path("stop_code").asInt()).isEqualTo(818948);
    }

    @Test
    void aSlowBootLetsTheWaitLapseAndTheInstanceLive() {
        arm("{\"fault\":\"slow\",\"operations\":[\"start\"],\"next\":1,\"delay_ms\":1500}");
        Answer answer = metro.call("POST", "/v1/instances", CREATE_AND_WAIT.replace(":10", ":1"));
        assertThat(answer.body().path("message").asString()).isEqualTo("Operation timed out");
        assertThat(answer.item().path("state").asString()).isEqualTo("starting");
        assertThat(metro.awaitState("web", "running")).isEqualTo("running");
    }

    @Test
    void aTakenNameMayBeAnsweredAsAConflict() {
        metro.call("POST", "/v1/instances", CREATE);
        arm("{\"fault\":\"conflict\",\"next\":1}");
        assertThat(metro.call("POST", "/v1/instances", CREATE).status()).isEqualTo(409);
        assertThat(metro.call("POST", "/v1/instances", CREATE)
                        .item()
                        .path("error")
                        .asInt())
                .isEqualTo(23);
    }

    @Test
    void aListIsAnsweredAsItWas() {
        metro.running("before", "");
        arm("{\"fault\":\"stale\",\"next\":1}");
        assertThat(metro.call("GET", "/v1/instances").items()).hasSize(1);
        metro.running("since", "");
        assertThat(metro.call("GET", "/v1/instances").items()).hasSize(1);
        assertThat(metro.read("since").path("state").asString()).isEqualTo("running");
        assertThat(metro.call("GET", "/v1/instances").items()).hasSize(2);
    }

    @Test
    void aSandboxDies() {
        arm("{\"fault\":\"death\",\"next\":1,\"delay_ms\":50}");
        metro.call("POST", "/v1/instances", CREATE_AND_WAIT);
        Awaitility.await()
                .until(() -> metro.read("web").path("state").asString().equals("stopped"));
        assertThat(metro.read("web").path("stop_reason").asInt()).isEqualTo(1);
    }

    @Test
    void theDiceAreLoadedAsTold() {
        arm("{\"fault\":\"throttle\",\"operations\":[\"healthz\"],\"probability\":0.5}");
        long refused = 0;
        for (int i = 0; i < 200; i++) {
            refused += metro.call("GET", "/v1/healthz").status() == 429 ? 1 : 0;
        }
        assertThat(refused).isBetween(60L, 140L);
    }

    @Test
    void rulesAreListedCountedAndRemoved() {
        arm("{\"fault\":\"throttle\",\"operations\":[\"healthz\"],\"next\":3}");
        metro.call("GET", "/v1/healthz");
        Answer listed = metro.admin(ADMIN, "GET", "/v1/faults", "");
        assertThat(listed.body().path("rules").get(0).path("fired").asInt()).isEqualTo(1);
        assertThat(listed.body().path("rules").get(0).path("next").asInt()).isEqualTo(2);
        String id = listed.body().path("rules").get(0).path("id").asString();
        assertThat(metro.admin(ADMIN, "DELETE", "/v1/faults/" + id, "").body().path("rules"))
                .isEmpty();
        assertThat(metro.call("GET", "/v1/healthz").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"fault\":\"earthquake\",\"next\":1}",
                "{\"fault\":\"cut\"}",
                "{\"fault\":\"cut\",\"probability\":2}",
                "{\"fault\":\"delay\",\"next\":1}",
                "{\"fault\":\"cut\",\"next\":1,\"operations\":[\"dance\"]}",
                "{\"fault\":\"cut\",\"next\":1,\"names\":\"(\"}",
                "{\"fault\":\"cut\",\"next\":1,\"unknown\":1}",
                "{\"fault\":"
            })
    void aRuleThatCannotBeMeantIsRefused(String rule) {
        assertThat(metro.admin(ADMIN, "POST", "/v1/faults", rule).status()).isEqualTo(400);
        assertThat(metro.admin(ADMIN, "GET", "/v1/faults", "").body().path("rules"))
                .isEmpty();
    }

    private void arm(String rule) {
        assertThat(metro.admin(ADMIN, "POST", "/v1/faults", rule).status()).isEqualTo(200);
    }
}
