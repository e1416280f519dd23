package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Page;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import io.micrometer.observation.ObservationRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.junit5.StartStop;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** What the driver makes of answers that a real metro gives only on a bad day. */
class UnikraftProviderTest {
    private static final SandboxName NAME = new SandboxName("skerry-inst-01-1");
    private static final Spec SPEC =
            new Spec(NAME, Map.of("SESSION_TOKEN", "secret-value"), List.of("skerry", "session=ses_1"));
    private static final String NONE =
            "{\"status\":\"error\",\"data\":{\"instances\":[{\"status\":\"error\",\"name\":\"x\",\"message\":\"No instance\",\"error\":8}]}}";

    @StartStop
    private final MockWebServer metro = new MockWebServer();

    private UnikraftProvider provider;

    @BeforeEach
    void connect() {
        provider = new UnikraftProvider(
                new UnikraftSettings(
                        "tst", metro.url("/v1/").toString(), "token", "image", 256, 1, Duration.ofHours(1)),
                "inst",
                JsonMapper.builder().build(),
                ObservationRegistry.NOOP);
    }

    @Test
    void createsWithTheNameTheTagsAndTheDeadMansSwitch() throws Exception {
        answer(NONE);
        answer(instance("starting"));
        answer(instance("starting"));
        answer(instance("running"));
        provider.create(SPEC, () -> {});
        metro.takeRequest();
        RecordedRequest create = metro.takeRequest();
        assertThat(create.getUrl().encodedPath()).isEqualTo("/v1/instances");
        assertThat(create.getBody().utf8())
                .contains(
                        "\"name\":\"skerry-inst-01-1\"",
                        "\"autokill\":{\"time_ms\":3600000}",
                        "\"restart_policy\":\"never\"");
    }

    @Test
    void adoptsItsOwnVmWhenAnEarlierAttemptCreatedIt() throws Exception {
        answer(instance("running"));
        answer(instance("running"));
        provider.create(SPEC, () -> {});
        assertThat(metro.getRequestCount()).isEqualTo(2);
    }

    @Test
    void refusesANameThatSomebodyElseHas() {
        answer(instance("running").replace("session=ses_1", "session=ses_2"));
        assertThatThrownBy(() -> provider.create(SPEC, () -> {})).isInstanceOf(ProviderException.Rejected.class);
    }

    @Test
    void readsBackWhenTheNameTurnsOutToBeTaken() throws Exception {
        answer(NONE);
        answer(
                "{\"status\":\"error\",\"data\":{\"instances\":[{\"status\":\"error\",\"error\":23,\"message\":\"exists\"}]}}");
        answer(instance("running"));
        provider.create(SPEC, () -> {});
        assertThat(metro.getRequestCount()).isEqualTo(3);
    }

    @Test
    void aLapsedWaitIsNoFailureBecauseTheVmExists() throws Exception {
        answer(NONE);
        answer(
                "{\"status\":\"error\",\"message\":\"Operation timed out\",\"data\":{\"instances\":[{\"status\":\"error\",\"uuid\":\"u\",\"state\":\"starting\"}]}}");
        answer(instance("running"));
        provider.create(SPEC, () -> {});
        assertThat(metro.getRequestCount()).isEqualTo(3);
    }

    @Test
    void quotaMeansFull() {
        answer(NONE);
        answer(
                "{\"status\":\"error\",\"data\":{\"instances\":[{\"status\":\"error\",\"error\":19,\"message\":\"Quota exceeded\"}]}}");
        assertThatThrownBy(() -> provider.create(SPEC, () -> {}))
                .isInstanceOf(ProviderException.Full.class)
                .hasMessageContaining("Quota exceeded");
    }

    @Test
    void aMissingImageIsRejectedAndItsLeftoverRemoved() throws Exception {
        answer(NONE);
        answer(instance("starting"));
        answer(instance("stopped").replace("\"state\"", "\"stop_reason\":4,\"stop_code\":1,\"state\""));
        answer("{\"status\":\"success\",\"data\":{\"instances\":[]}}");
        answer(NONE);
        assertThatThrownBy(() -> provider.create(SPEC, () -> {}))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("cannot get the image");
        for (int i = 0; i < 3; i++) {
            metro.takeRequest();
        }
        assertThat(metro.takeRequest().getMethod()).isEqualTo("DELETE");
    }

    @Test
    void throttlingSaysHowLongToWait() {
        metro.enqueue(new MockResponse.Builder()
                .code(429)
                .addHeader("Retry-After", "7")
                .body("{}")
                .build());
        assertThatThrownBy(() -> provider.inspect(NAME))
                .isInstanceOfSatisfying(
                        ProviderException.Throttled.class,
                        throttled -> assertThat(throttled.retryAfter()).isEqualTo(Duration.ofSeconds(7)));
    }

    @Test
    void aProxysHtmlPageLeavesTheOutcomeUnknown() {
        for (int read = 0; read < 3; read++) {
            metro.enqueue(new MockResponse.Builder()
                    .code(502)
                    .body("<html>openresty</html>")
                    .build());
        }
        assertThatThrownBy(() -> provider.inspect(NAME)).isInstanceOf(ProviderException.Unknown.class);
    }

    @Test
    void aRefusedTokenIsRejectedWithoutNamingIt() {
        metro.enqueue(new MockResponse.Builder()
                .code(401)
                .body("{\"status\":\"error\"}")
                .build());
        assertThatThrownBy(() -> provider.inspect(NAME))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("Check the token")
                .hasMessageNotContaining("Bearer");
    }

    @Test
    void destroyingTheGoneSucceeds() throws Exception {
        answer(NONE);
        answer(NONE);
        provider.destroy(NAME, () -> {});
        assertThat(metro.getRequestCount()).isEqualTo(2);
    }

    @Test
    void aBusyVmIsAskedAgain() throws Exception {
        answer(
                "{\"status\":\"error\",\"data\":{\"instances\":[{\"status\":\"error\",\"error\":10,\"message\":\"Unknown error -16\"}]}}");
        answer("{\"status\":\"success\",\"data\":{\"instances\":[{\"status\":\"success\",\"uuid\":\"u\"}]}}");
        answer(NONE);
        provider.destroy(NAME, () -> {});
        assertThat(metro.getRequestCount()).isEqualTo(3);
    }

    @Test
    void scaleToZeroThatNeedsAServiceGroupIsLeftOut() throws Exception {
        answer(NONE);
        answer(
                "{\"status\":\"error\",\"data\":{\"instances\":[{\"status\":\"error\",\"error\":7,\"message\":\"scale_to_zero requires service_group\"}]}}");
        answer(instance("starting"));
        answer(instance("running"));
        provider.create(SPEC, () -> {});
        metro.takeRequest();
        assertThat(metro.takeRequest().getBody().utf8()).contains("\"scale_to_zero\":");
        assertThat(metro.takeRequest().getBody().utf8()).doesNotContain("scale_to_zero");
    }

    @Test
    void aVmOfOtherSizeIsNotAdopted() {
        answer(instance("running").replace("\"state\"", "\"memory_mb\":64,\"state\""));
        assertThatThrownBy(() -> provider.create(SPEC, () -> {}))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("other settings");
    }

    @Test
    void aTakenNameMayAlsoBeAConflict() throws Exception {
        answer(NONE);
        metro.enqueue(new MockResponse.Builder()
                .code(409)
                .body("{\"status\":\"error\",\"message\":\"exists\"}")
                .build());
        answer(instance("running"));
        provider.create(SPEC, () -> {});
        assertThat(metro.getRequestCount()).isEqualTo(3);
    }

    @Test
    void whatItSaidLastComesWithAFailedBootAndNotInItsMessage() {
        answer(NONE);
        answer(instance("starting"));
        answer(instance("stopped").replace("\"state\"", "\"stop_reason\":1,\"stop_code\":818948,\"state\""));
        answer("{\"status\":\"success\",\"data\":{\"instances\":[{\"status\":\"success\",\"output\":\"cGFuaWM=\"}]}}");
        answer("{\"status\":\"success\",\"data\":{\"instances\":[{\"status\":\"success\"}]}}");
        answer(NONE);
        assertThatThrownBy(() -> provider.create(SPEC, () -> {}))
                .isInstanceOfSatisfying(ProviderException.BootFailed.class, failed -> {
                    assertThat(failed.lastWords()).isEqualTo("panic");
                    assertThat(failed).hasMessageContaining("no memory left").hasMessageNotContaining("panic");
                });
    }

    @Test
    void readsAreTriedAgainWhenTheEdgeStumbles() throws Exception {
        metro.enqueue(new MockResponse.Builder()
                .code(502)
                .body("<html>openresty</html>")
                .build());
        answer(instance("standby"));
        assertThat(provider.inspect(NAME)).isEqualTo(Sighting.FROZEN);
    }

    @Test
    void theTightestQuotaSaysHowMuchRoomIsLeft() throws Exception {
        answer(
                "{\"status\":\"success\",\"data\":{\"quotas\":[{\"used\":{\"instances\":2,\"live_memory_mb\":512,\"live_vcpus\":1},"
                        + "\"hard\":{\"instances\":64,\"live_memory_mb\":1100,\"live_vcpus\":32}}]}}");
        assertThat(provider.room()).hasValue(2);
    }

    @Test
    void suspendsWithoutWaitingForConnections() throws Exception {
        answer(instance("running"));
        answer(instance("stopping"));
        answer(instance("standby"));
        provider.suspend(NAME, () -> {});
        metro.takeRequest();
        assertThat(metro.takeRequest().getBody().utf8()).contains("\"drain_timeout_ms\":0");
    }

    @Test
    void doesNotResumeAVmThatLostItsMemory() {
        answer(instance("stopped"));
        assertThatThrownBy(() -> provider.resume(NAME, () -> {})).isInstanceOf(ProviderException.Rejected.class);
    }

    @Test
    void seesWhatIsThere() throws Exception {
        answer(instance("standby"));
        assertThat(provider.inspect(NAME)).isEqualTo(Sighting.FROZEN);
        answer(NONE);
        assertThat(provider.inspect(NAME)).isEqualTo(Sighting.GONE);
    }

    @Test
    void listsOnlyItsOwnInstallation() throws Exception {
        answer(instance("running"));
        Page page = provider.listOwned(null);
        assertThat(page.owned()).hasSize(1);
        assertThat(page.next()).isNull();
        assertThat(metro.takeRequest().getUrl().queryParameter("tags")).isEqualTo("skerry,installation=inst");
    }

    private void answer(String body) {
        metro.enqueue(new MockResponse.Builder().body(body).build());
    }

    private static String instance(String state) {
        return "{\"status\":\"success\",\"data\":{\"instances\":[{\"status\":\"success\",\"uuid\":\"u\",\"name\":\"skerry-inst-01-1\",\"created_at\":\"2026-05-28T13:53:40Z\",\"tags\":[\"skerry\",\"session=ses_1\"],\"state\":\""
                + state + "\"}]}}";
    }
}
