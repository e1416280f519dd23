package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.FaultySettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import dev.skerry.session.Provisioned;
import dev.skerry.session.Provisioned.Start;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Warm starts against a real metro of processes: templates come, are used, grow old and fail, and no session suffers from it. */
class WarmStartTest {
    private static final String TOKEN = "token-of-a-warm-metro";
    private static final String FAULTS = "faults-of-a-warm-metro";
    private static final Duration DAY = Duration.ofDays(1);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(500);
    private static final Runnable ALIVE = () -> {};
    private static final String WAITING_PROGRAM =
            "if [ -n \"$SESSION_VALUES\" ]; then echo warm, waiting for a session.;"
                    + " while [ ! -e run/skerry/ENTROPY ]; do sleep 0.05; done; SESSION_TOKEN=$(cat run/skerry/SESSION_TOKEN); fi;"
                    + " echo token $SESSION_TOKEN; while :; do sleep 0.05; done";
    private static final String PROGRAM_THAT_CANNOT_WAIT =
            "if [ -n \"$SESSION_VALUES\" ]; then echo not here; exit 64; fi; while :; do sleep 0.05; done";

    @TempDir
    Path directory;

    private final JsonMapper json = JsonMapper.builder().build();
    private MetroServer metro;
    private int created;

    @BeforeEach
    void start() throws Exception {
        metro = MetroServer.start(MetroConfiguration.local(
                        TOKEN,
                        directory,
                        Map.of(
                                "test/waiting:1", shell(WAITING_PROGRAM),
                                "test/impatient:1", shell(PROGRAM_THAT_CANNOT_WAIT),
                                "test/sleeping:1", shell("while :; do sleep 0.05; done")))
                .withDriver(new DriverSettings.Processes(Isolation.PLAIN))
                .withFaulty(new FaultySettings(0, FAULTS, "", 1)));
    }

    private static Image shell(String script) {
        return new Image.Program(List.of("/bin/sh", "-c", script), List.of());
    }

    @AfterEach
    void stop() {
        metro.close();
    }

    @Test
    void whatComesBeforeTheTemplateBootsColdAndSaysSoAndWhatComesLaterIsCloned() throws Exception {
        UnikraftProvider provider = provider("test/waiting:1", DAY);
        Provisioned first = provider.create(spec(), ALIVE);
        assertThat(first).isEqualTo(Provisioned.cold("there is no template yet; one is being made"));
        SandboxName clone = warm(provider);
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> provider.lastWords(clone).orElse("").contains("token secret-of-" + clone));
        JsonNode instance = call("/v1/instances?name=" + clone).getFirst();
        assertThat(instance.path("env").toString()).contains("SESSION_VALUES").doesNotContain("secret-of");
        assertThat(instance.path("roms").toString()).doesNotContain("secret-of");
    }

    @Test
    void aTemplateIsNoSandboxThatAReaperSees() throws Exception {
        UnikraftProvider provider = provider("test/waiting:1", DAY);
        SandboxName clone = warm(provider);
        assertThat(templates()).hasSize(1);
        assertThat(provider.listOwned(null).owned())
                .hasSize(created)
                .anyMatch(owned -> owned.name().equals(clone));
    }

    @Test
    void aSecondAttemptFindsTheCloneOfTheFirst() throws Exception {
        UnikraftProvider provider = provider("test/waiting:1", DAY);
        SandboxName clone = warm(provider);
        Provisioned again = provider("test/waiting:1", DAY).create(spec(clone), ALIVE);
        assertThat(again).isEqualTo(Provisioned.warm("an earlier attempt made it"));
    }

    @Test
    void workersOfTheSameSettingsShareATemplateAndOthersDoNot() throws Exception {
        warm(provider("test/waiting:1", DAY));
        assertThat(provider("test/waiting:1", DAY).create(spec(), ALIVE).start())
                .isEqualTo(Start.WARM);
        Provisioned larger = provider("test/waiting:1", DAY, 128).create(spec(), ALIVE);
        assertThat(larger.why()).contains("no template yet");
    }

    @Test
    void aTemplateThatIsTooOldIsDeletedAndNotUsed() throws Exception {
        warm(provider("test/waiting:1", DAY));
        String old = templates().getFirst().path("uuid").asString();
        Duration age = Duration.ofMillis(1);
        Provisioned made = provider("test/waiting:1", age).create(spec(), ALIVE);
        assertThat(made).isEqualTo(Provisioned.cold("the template is too old; another is being made"));
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> templates().stream()
                        .noneMatch(template -> template.path("uuid").asString().equals(old)));
    }

    @Test
    void aRefusedCloneIsAColdBootThatSaysWhy() throws Exception {
        UnikraftProvider provider = provider("test/waiting:1", DAY);
        warm(provider);
        Spec spec = spec();
        arm("{\"fault\":\"partial\",\"operations\":[\"create\"],\"names\":\"" + spec.name()
                + "\",\"next\":1,\"code\":1,\"message\":\"templates are not licensed\"}");
        Provisioned made = provider.create(spec, ALIVE);
        assertThat(made.start()).isEqualTo(Start.COLD);
        assertThat(made.why()).contains("refused a clone", "templates are not licensed");
        assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.RUNNING);
        assertThat(provider.create(spec(), ALIVE).why()).contains("refused a clone");
    }

    @Test
    void aCloneThatDoesNotStartIsReplacedByAColdBoot() throws Exception {
        UnikraftProvider provider = provider("test/waiting:1", DAY);
        warm(provider);
        Spec spec = spec();
        arm("{\"fault\":\"boot_crash\",\"names\":\"" + spec.name() + "\",\"next\":1}");
        Provisioned made = provider.create(spec, ALIVE);
        assertThat(made.start()).isEqualTo(Start.COLD);
        assertThat(made.why()).contains("the clone ended while starting", "no memory left");
        assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.RUNNING);
        Awaitility.await().atMost(PATIENCE).until(() -> templates().isEmpty());
    }

    @Test
    void afterACloneWithoutAHelloTheNextBootsCold() throws Exception {
        UnikraftProvider provider = provider("test/waiting:1", DAY);
        provider.saidNoHello(warm(provider));
        assertThat(provider.create(spec(), ALIVE)).isEqualTo(Provisioned.cold("a clone said no hello"));
    }

    @Test
    void anImageThatCannotWaitIsFoundOutOnceAndLeavesNothing() throws Exception {
        UnikraftProvider provider = provider("test/impatient:1", DAY);
        provider.create(spec(), ALIVE);
        Awaitility.await().atMost(PATIENCE).until(() -> {
            Provisioned made = provider.create(spec(), ALIVE);
            return made.why().contains("could not be made")
                    && made.why().contains("ended with code 64")
                    && made.why().contains("not here");
        });
        assertThat(templates()).isEmpty();
        assertThat(call("/v1/instances?tags=skerry-template")).isEmpty();
    }

    @Test
    void aTemplateThatSomebodyDeletesWhileItIsMadeIsGivenUp() throws Exception {
        UnikraftProvider provider = provider("test/sleeping:1", DAY);
        provider.create(spec(), ALIVE);
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> !call("/v1/instances?tags=skerry-template").isEmpty());
        String seed = call("/v1/instances?tags=skerry-template")
                .getFirst()
                .path("name")
                .asString();
        provider.destroy(new SandboxName(seed), ALIVE);
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(BETWEEN_LOOKS)
                .until(() -> provider.create(spec(), ALIVE).why().contains("its VM vanished"));
    }

    @Test
    void noTemplateIsMadeWhereWarmStartsAreOff() throws Exception {
        Provisioned made = provider("test/waiting:1", Duration.ZERO).create(spec(), ALIVE);
        assertThat(made).isEqualTo(Provisioned.cold("warm starts are off"));
        assertThat(call("/v1/instances?tags=skerry-template")).isEmpty();
    }

    /** Creates until one is a clone. */
    private SandboxName warm(UnikraftProvider provider) {
        List<SandboxName> names = new ArrayList<>();
        Awaitility.await().atMost(PATIENCE).until(() -> {
            Spec spec = spec();
            names.add(spec.name());
            return provider.create(spec, ALIVE).start() == Start.WARM;
        });
        return names.getLast();
    }

    private UnikraftProvider provider(String image, Duration templateAge) {
        return provider(image, templateAge, 64);
    }

    private UnikraftProvider provider(String image, Duration templateAge, int memoryMb) {
        String url = "http://127.0.0.1:" + metro.port();
        return new UnikraftProvider(
                new UnikraftSettings("warm", url, TOKEN, image, memoryMb, 1, Duration.ofHours(1), templateAge),
                "inst",
                json,
                ObservationRegistry.NOOP);
    }

    private Spec spec() {
        return spec(new SandboxName("skerry-inst-01-" + ++created));
    }

    private static Spec spec(SandboxName name) {
        Map<String, String> environment = Map.of(
                "SESSION_TOKEN", "secret-of-" + name, "CONTROL_PLANE_URL", "http://127.0.0.1:9", "SESSION_ID", "ses_1");
        return new Spec(name, environment, List.of("skerry", "installation=inst", "name=" + name));
    }

    private List<JsonNode> templates() throws Exception {
        return call("/v1/instances/templates");
    }

    private List<JsonNode> call(String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + metro.port() + path))
                .header("Authorization", "Bearer " + TOKEN)
                .build();
        String body = HttpClient.newHttpClient()
                .send(request, BodyHandlers.ofString())
                .body();
        return json.readTree(body).path("data").path("instances").values().stream()
                .toList();
    }

    private void arm(String rule) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + metro.faultPort() + "/v1/faults"))
                .header("Authorization", "Bearer " + FAULTS)
                .PUT(BodyPublishers.ofString(rule))
                .build();
        assertThat(HttpClient.newHttpClient()
                        .send(request, BodyHandlers.discarding())
                        .statusCode())
                .isEqualTo(200);
    }
}
