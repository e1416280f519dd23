package dev.skerry.metro;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.metro.TestingMetro.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Everything of a metro that is not an instance. */
class NodeApiTest {
    @TempDir
    Path directory;

    @Test
    void isHealthy() {
        try (TestingMetro metro = TestingMetro.start(directory)) {
            Answer answer = metro.call("GET", "/v1/healthz");
            assertThat(answer.body().path("data").path("checks").path("images").asString())
                    .isEqualTo("healthy");
            assertThat(answer.body()
                            .path("data")
                            .path("versions")
                            .path("driver")
                            .asString())
                    .startsWith("process");
        }
    }

    @Test
    void countsWhatIsUsedAndRefusesWhatIsTooMuch() {
        try (TestingMetro metro = TestingMetro.start(
                directory, configuration -> configuration.withLimits(new Limits(2, 200, 8, 8192, 8)))) {
            metro.running("a", "\"memory_mb\":128");
            JsonNode quota = metro.call("GET", "/v1/users/quotas")
                    .body()
                    .path("data")
                    .path("quotas")
                    .get(0);
            assertThat(quota.path("used").path("live_memory_mb").asInt()).isEqualTo(128);
            assertThat(quota.path("hard").path("instances").asInt()).isEqualTo(2);
            assertThat(quota.path("limits").path("max_memory_mb").asInt()).isEqualTo(8192);
            assertThat(metro.running("b", "\"memory_mb\":128").path("error").asInt())
                    .isEqualTo(19);
            metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"a\"}]");
            metro.awaitState("a", "stopped");
            assertThat(metro.running("b", "\"memory_mb\":128").path("state").asString())
                    .isEqualTo("running");
            assertThat(metro.running("c", "").path("error").asInt()).isEqualTo(19);
        }
    }

    @Test
    void knowsItsImagesByTagAndDigest() {
        try (TestingMetro metro = TestingMetro.start(directory)) {
            JsonNode all = metro.call("GET", "/v1/images").body().path("data").path("images");
            assertThat(all).hasSize(4);
            String digest = all.get(0).path("url").asString().replaceAll(".*@", "");
            assertThat(metro.call("GET", "/v1/image-store?digest=" + digest)
                            .body()
                            .path("data")
                            .path("images"))
                    .hasSize(1);
            assertThat(metro.call("GET", "/v1/images?tag=nothing")
                            .body()
                            .path("data")
                            .path("images"))
                    .isEmpty();
        }
    }

    @Test
    void keepsServiceGroupsAndTheirRules() {
        try (TestingMetro metro = TestingMetro.start(directory)) {
            String body =
                    "{\"name\":\"web\",\"services\":[{\"port\":443,\"destination_port\":80,\"handlers\":[\"tls\",\"http\"]}],"
                            + "\"domains\":[{\"name\":\"front\"}]}";
            JsonNode group = groups(metro.call("POST", "/v1/services", body)).get(0);
            assertThat(group.path("domains").get(0).path("fqdn").asString()).startsWith("front.");
            assertThat(metro.call("POST", "/v1/services", body)
                            .body()
                            .path("data")
                            .path("service_groups")
                            .get(0)
                            .path("error")
                            .asInt())
                    .isEqualTo(23);
            metro.running("member", "\"service_group\":{\"name\":\"web\"}");
            assertThat(metro.read("member").path("service_group").path("name").asString())
                    .isEqualTo("web");
            assertThat(groups(metro.call("DELETE", "/v1/services", "[{\"name\":\"web\"}]"))
                            .get(0)
                            .path("error")
                            .asInt())
                    .isEqualTo(15);
            metro.call(
                    "PATCH", "/v1/services", "[{\"name\":\"web\",\"prop\":\"hard_limit\",\"op\":\"set\",\"value\":9}]");
            assertThat(groups(metro.call("GET", "/v1/services?name=web"))
                            .get(0)
                            .path("hard_limit")
                            .asInt())
                    .isEqualTo(9);
            assertThat(metro.call(
                                    "PATCH",
                                    "/v1/services",
                                    "[{\"name\":\"web\",\"prop\":\"soft_limit\",\"op\":\"set\",\"value\":10}]")
                            .status())
                    .isEqualTo(400);
            metro.call("DELETE", "/v1/instances", "[{\"name\":\"member\",\"timeout_s\":10}]");
            assertThat(metro.call("DELETE", "/v1/services", "[{\"name\":\"web\"}]")
                            .envelope())
                    .isEqualTo("success");
            assertThat(groups(metro.call("GET", "/v1/services"))).isEmpty();
        }
    }

    private static JsonNode groups(Answer answer) {
        return answer.body().path("data").path("service_groups");
    }

    @Test
    void metricsAreJsonWhenAskedForAndPrometheusOtherwise() throws IOException {
        try (TestingMetro metro = TestingMetro.start(directory)) {
            String uuid = metro.running("web", "").path("uuid").asString();
            JsonNode item = metro.call("GET", "/v1/instances/metrics").item();
            assertThat(item.path("rss_bytes").asLong()).isPositive();
            assertThat(item.path("wakeup_latency")).hasSize(14);
            String text = raw(metro.server().port(), "GET /v1/instances/metrics?uuid=" + uuid + " HTTP/1.0\r\n");
            assertThat(text)
                    .contains("text/plain", "instance_state{instance_uuid=\"" + uuid + "\"} 2", "instance_rss_bytes");
        }
    }

    @Test
    void tellsSubscribersOfEveryChange() throws Exception {
        try (TestingMetro metro = TestingMetro.start(directory);
                Socket socket = new Socket("127.0.0.1", metro.server().port())) {
            OutputStream out = socket.getOutputStream();
            out.write(("GET /v1/audit?tags=mine HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TestingMetro.TOKEN
                            + "\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            List<String> lines = new CopyOnWriteArrayList<>();
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            Thread.ofVirtual().start(() -> in.lines().forEach(lines::add));
            Awaitility.await().until(() -> lines.contains(": listening"));
            metro.running("theirs", "");
            metro.running("mine", "\"tags\":[\"mine\"]");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(5))
                    .until(() -> lines.stream()
                            .anyMatch(line -> line.contains("\"prev\":\"starting\",\"new\":\"running\"")));
            assertThat(lines.stream().filter(line -> line.startsWith("data: ")).count())
                    .isEqualTo(2);
        }
    }

    @Test
    void unknownRoutesAndMethodsAreRefused() {
        try (TestingMetro metro = TestingMetro.start(directory)) {
            assertThat(metro.call("GET", "/v1/nothing").status()).isEqualTo(404);
            assertThat(metro.call("GET", "/v2/instances").status()).isEqualTo(404);
            assertThat(metro.call("GET", "/").status()).isEqualTo(404);
            assertThat(metro.call("PUT", "/v1/instances").status()).isEqualTo(405);
            assertThat(metro.call("POST", "/v1/healthz").status()).isEqualTo(405);
            assertThat(metro.call("GET", "/v1/instances/a/b/c").status()).isEqualTo(404);
            assertThat(metro.call("GET", "/v1/instances/8a8bc1b9-0000-4000-8000-000000000000/plugins/sandbox/commands")
                            .status())
                    .isEqualTo(404);
        }
    }

    @Test
    void aWrongTokenAMalformedBodyAndAnOversizedOneAreRefused() {
        try (TestingMetro metro = TestingMetro.start(directory)) {
            int port = metro.server().port();
            Answer unauthorized = metro.send(port, "wrong", "GET", "/v1/instances", "");
            assertThat(unauthorized.status()).isEqualTo(401);
            assertThat(unauthorized.envelope()).isEqualTo("error");
            assertThat(metro.call("POST", "/v1/instances", "{\"name\":").status())
                    .isEqualTo(400);
            assertThat(metro.call("POST", "/v1/instances", "\"text\"").status()).isEqualTo(400);
            assertThat(metro.call("POST", "/v1/instances", "{\"name\":\"" + "x".repeat(9 << 20) + "\"}")
                            .status())
                    .isEqualTo(413);
            assertThat(metro.call("GET", "/v1/instances").items()).isEmpty();
        }
    }

    @Test
    void anotherMetroTakesUpWhatOneLeft() {
        String serving;
        try (TestingMetro metro =
                TestingMetro.start(directory, configuration -> configuration.withStopSandboxesOnClose(false))) {
            metro.running("awake", "");
            metro.running("asleep", "");
            metro.call("PUT", "/v1/instances/suspend", "[{\"name\":\"asleep\"}]");
            metro.awaitState("asleep", "standby");
            metro.call("POST", "/v1/instances", "{\"name\":\"idle\",\"image\":\"test/sleeper:1\"}");
            metro.call(
                    "POST",
                    "/v1/services",
                    "{\"name\":\"kept\",\"services\":[{\"port\":9000,\"handlers\":[\"tls\"]}]}");
            serving = metro.read("awake").path("uuid").asString();
        }
        try (TestingMetro metro = TestingMetro.start(directory)) {
            assertThat(metro.read("awake").path("state").asString()).isEqualTo("running");
            assertThat(metro.read("awake").path("uuid").asString()).isEqualTo(serving);
            assertThat(metro.read("asleep").path("state").asString()).isEqualTo("standby");
            assertThat(metro.read("idle").path("state").asString()).isEqualTo("stopped");
            metro.call("PUT", "/v1/instances/start", "[{\"name\":\"asleep\"}]");
            assertThat(metro.awaitState("asleep", "running")).isEqualTo("running");
            assertThat(metro.call("GET", "/v1/services").body().toString()).contains("kept");
        }
    }

    @Test
    void onePortIsTakenOnlyOnce() {
        try (TestingMetro metro = TestingMetro.start(directory.resolve("a"))) {
            assertThatThrownBy(() -> TestingMetro.start(
                            directory.resolve("b"),
                            configuration ->
                                    configuration.withPort(metro.server().port())))
                    .hasRootCauseInstanceOf(java.net.BindException.class);
        }
    }

    private static String raw(int port, String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.getOutputStream()
                    .write((request + "Authorization: Bearer " + TestingMetro.TOKEN + "\r\n\r\n")
                            .getBytes(StandardCharsets.UTF_8));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
