package dev.skerry.metro;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.metro.TestingMetro.Answer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** The instance endpoints as a client of the platform sees them. */
class InstancesApiTest {
    @TempDir
    Path directory;

    private TestingMetro metro;

    @BeforeEach
    void start() {
        metro = TestingMetro.start(directory);
    }

    @AfterEach
    void stop() {
        metro.close();
    }

    @Test
    void aPlainCreateLeavesAStoppedInstance() {
        Answer created = metro.call("POST", "/v1/instances", "{\"name\":\"idle\",\"image\":\"test/sleeper:1\"}");
        assertThat(created.status()).isEqualTo(200);
        assertThat(created.envelope()).isEqualTo("success");
        assertThat(created.item().path("state").asString()).isEqualTo("stopped");
        assertThat(created.item().path("private_fqdn").asString()).isEqualTo("idle.internal");
        assertThat(created.body().has("op_time_us")).isTrue();
    }

    @Test
    void aCreateThatWaitsAnswersWhenItRuns() {
        JsonNode item =
                metro.running("web", "\"memory_mb\":256,\"tags\":[\"a\",\"b=c\"],\"env\":{\"GREETING\":\"hi\"}");
        assertThat(item.path("state").asString()).isEqualTo("running");
        JsonNode read = metro.read("web");
        assertThat(read.path("memory_mb").asInt()).isEqualTo(256);
        assertThat(read.path("image").asString()).startsWith("oci://test/sleeper:1@sha256:");
        assertThat(read.path("start_count").asInt()).isEqualTo(1);
        assertThat(read.path("restart_policy").asString()).isEqualTo("never");
        assertThat(read.path("env").path("GREETING").asString()).isEqualTo("hi");
        assertThat(read.path("network_interfaces").get(0).path("mac").asString())
                .startsWith("12:b0:");
    }

    @Test
    void aTakenNameIsCode23AndCreatesNothing() {
        metro.running("web", "");
        Answer again = metro.call("POST", "/v1/instances", "{\"name\":\"web\",\"image\":\"test/sleeper:1\"}");
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.envelope()).isEqualTo("error");
        assertThat(again.item().path("error").asInt()).isEqualTo(23);
        assertThat(metro.call("GET", "/v1/instances").items()).hasSize(1);
    }

    @Test
    void anImageThatIsNotThereStopsTheInstanceAndSaysWhy() {
        Answer created = metro.call(
                "POST",
                "/v1/instances",
                "{\"name\":\"lost\",\"image\":\"test/nowhere:1\",\"autostart\":true,\"timeout_s\":5}");
        assertThat(created.item().path("status").asString()).isEqualTo("error");
        assertThat(created.item().has("error")).isFalse();
        assertThat(created.item().path("state").asString()).isEqualTo("stopped");
        JsonNode read = metro.read("lost");
        assertThat(read.path("stop_reason").asInt()).isEqualTo(4);
        assertThat(read.path("stop_code").asInt()).isEqualTo(1);
    }

    @Test
    void anImageMayBeNamedByDigest() {
        String url = metro.call("GET", "/v1/images")
                .body()
                .path("data")
                .path("images")
                .get(0)
                .path("url")
                .asString();
        Answer created = metro.call(
                "POST",
                "/v1/instances",
                "{\"name\":\"pinned\",\"image\":{\"url\":\"" + url + "\"},\"autostart\":true,\"timeout_s\":5}");
        assertThat(created.envelope()).isEqualTo("success");
        assertThat(metro.read("pinned").path("image").asString()).isEqualTo(url);
    }

    @Test
    void suspendKeepsMemoryAndStartGoesOnWithIt() {
        metro.call(
                "POST",
                "/v1/instances",
                "{\"name\":\"count\",\"image\":\"test/counter:1\",\"autostart\":true,\"timeout_s\":10}");
        awaitLog("count", "tick 3\n");
        Answer suspended = metro.call("PUT", "/v1/instances/suspend", "[{\"name\":\"count\",\"drain_timeout_ms\":0}]");
        assertThat(suspended.item().path("previous_state").asString()).isEqualTo("running");
        assertThat(metro.awaitState("count", "standby")).isEqualTo("standby");
        assertThat(metro.read("count").path("stop_reason").asInt()).isEqualTo(39);
        metro.call("PUT", "/v1/instances/start", "[{\"name\":\"count\"}]");
        assertThat(metro.awaitState("count", "running")).isEqualTo("running");
        awaitLog("count", "tick 9\n");
        assertThat(log("count")).containsOnlyOnce("tick 1\n");
        assertThat(metro.read("count").path("start_count").asInt()).isEqualTo(2);
    }

    @Test
    void statelessStandbyStartsAnew() {
        metro.call(
                "POST",
                "/v1/instances",
                "{\"name\":\"count\",\"image\":\"test/counter:1\",\"autostart\":true,\"timeout_s\":10,"
                        + "\"scale_to_zero\":{\"policy\":\"on\",\"stateful\":false}}");
        awaitLog("count", "tick 2\n");
        metro.call("PUT", "/v1/instances/suspend", "[{\"name\":\"count\"}]");
        assertThat(metro.awaitState("count", "standby")).isEqualTo("standby");
        metro.call("PUT", "/v1/instances/start", "[{\"name\":\"count\"}]");
        metro.awaitState("count", "running");
        Awaitility.await().until(() -> log("count").split("tick 1\n", -1).length == 3);
    }

    @Test
    void stoppingAndStartingTwiceIsTheSameAsOnce() {
        metro.running("web", "");
        assertThat(metro.call("PUT", "/v1/instances/start", "[{\"name\":\"web\"}]")
                        .envelope())
                .isEqualTo("success");
        metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"web\"}]");
        assertThat(metro.awaitState("web", "stopped")).isEqualTo("stopped");
        assertThat(metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"web\"}]")
                        .envelope())
                .isEqualTo("success");
        assertThat(metro.read("web").path("stop_reason").asInt()).isEqualTo(15);
    }

    @Test
    void aForcedStopSaysSo() {
        metro.running("web", "");
        metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"web\",\"force\":true}]");
        metro.awaitState("web", "stopped");
        assertThat(metro.read("web").path("stop_reason").asInt()).isEqualTo(28);
        assertThat(metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"web\",\"force\":true,\"drain_timeout_ms\":1}]")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void aProgramThatEndsLeavesItsExitCode() {
        metro.call("POST", "/v1/instances", "{\"name\":\"short\",\"image\":\"test/ending:1\",\"autostart\":true}");
        assertThat(metro.awaitState("short", "stopped")).isEqualTo("stopped");
        JsonNode read = metro.read("short");
        assertThat(read.path("stop_reason").asInt()).isEqualTo(3);
        assertThat(read.path("exit_code").asInt()).isEqualTo(3);
        assertThat(log("short")).contains("bye");
    }

    @Test
    void restartsWhatShouldAlwaysRunAndBacksOff() {
        metro.call(
                "POST",
                "/v1/instances",
                "{\"name\":\"again\",\"image\":\"test/ending:1\",\"autostart\":true,\"restart_policy\":\"always\"}");
        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .until(() -> metro.read("again").path("restart_count").asInt() == 1
                        && metro.read("again").path("restart").path("attempt").asInt() == 2);
        metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"again\"}]");
        assertThat(metro.read("again").has("restart")).isFalse();
    }

    @Test
    void deleteOnStopRemovesWhatEnded() {
        metro.call(
                "POST",
                "/v1/instances",
                "{\"name\":\"once\",\"image\":\"test/ending:1\",\"autostart\":true,\"features\":[\"delete-on-stop\"]}");
        Awaitility.await().until(() -> metro.read("once").path("error").asInt(0) == 8);
    }

    @Test
    void deletingIsUnderWayAndThenGone() {
        metro.running("web", "");
        Answer deleted = metro.call("DELETE", "/v1/instances", "[{\"name\":\"web\",\"timeout_s\":10}]");
        assertThat(deleted.item().path("previous_state").asString()).isEqualTo("running");
        assertThat(metro.read("web").path("error").asInt()).isEqualTo(8);
        assertThat(directory.resolve("instances")).isEmptyDirectory();
    }

    @Test
    void aLockedInstanceIsNotDeleted() {
        metro.running("web", "");
        metro.call(
                "PATCH",
                "/v1/instances",
                "[{\"name\":\"web\",\"prop\":\"delete_lock\",\"op\":\"set\",\"value\":true}]");
        Answer refused = metro.call("DELETE", "/v1/instances", "[{\"name\":\"web\"}]");
        assertThat(refused.item().path("message").asString()).isEqualTo("Deletion protection enabled");
        metro.call("PATCH", "/v1/instances", "[{\"name\":\"web\",\"prop\":\"delete_lock\",\"op\":\"set\"}]");
        assertThat(metro.call("DELETE", "/v1/instances", "[{\"name\":\"web\"}]").envelope())
                .isEqualTo("success");
    }

    @Test
    void aBulkRequestTellsOfEachItem() {
        metro.running("web", "");
        Answer answer = metro.call("DELETE", "/v1/instances", "[{\"name\":\"web\"},{\"name\":\"gone\"}]");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.envelope()).isEqualTo("partial_success");
        assertThat(answer.body().path("message").asString()).isEqualTo("Failed to perform all operations");
        assertThat(answer.items().get(1).path("message").asString()).isEqualTo("No instance with name 'gone'");
        assertThat(answer.items().get(1).path("error").asInt()).isEqualTo(8);
    }

    @Test
    void aWaitThatLapsesSaysSoInTheEnvelope() {
        metro.call("POST", "/v1/instances", "{\"name\":\"idle\",\"image\":\"test/sleeper:1\"}");
        Answer answer =
                metro.call("GET", "/v1/instances/wait", "[{\"name\":\"idle\",\"state\":\"running\",\"timeout_s\":1}]");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body().path("message").asString()).isEqualTo("Operation timed out");
        assertThat(answer.item().path("state").asString()).isEqualTo("stopped");
        assertThat(answer.item().has("error")).isFalse();
    }

    @Test
    void verbsAlsoWorkByUuid() {
        String uuid = metro.running("web", "").path("uuid").asString();
        assertThat(metro.call("PUT", "/v1/instances/" + uuid + "/suspend", "{}").envelope())
                .isEqualTo("success");
        assertThat(metro.call("GET", "/v1/instances/" + uuid + "/wait", "{\"state\":\"standby\",\"timeout_s\":10}")
                        .item()
                        .path("state")
                        .asString())
                .isEqualTo("standby");
        assertThat(metro.call("GET", "/v1/instances/" + uuid)
                        .item()
                        .path("name")
                        .asString())
                .isEqualTo("web");
        assertThat(metro.call("DELETE", "/v1/instances/" + uuid).envelope()).isEqualTo("success");
    }

    @ParameterizedTest
    @CsvSource({"stopped,suspend", "standby,template"})
    void anIllegalChangeOfStateIsCode11OrDone(String state, String verb) {
        metro.running("web", "");
        metro.call("PUT", "/v1/instances/" + (state.equals("standby") ? "suspend" : "stop"), "[{\"name\":\"web\"}]");
        metro.awaitState("web", state);
        if (verb.equals("suspend")) {
            Answer answer = metro.call("PUT", "/v1/instances/suspend", "[{\"name\":\"web\"}]");
            assertThat(answer.item().path("error").asInt()).isEqualTo(11);
        } else {
            Answer answer = metro.call("POST", "/v1/instances/templates", "[{\"name\":\"web\"}]");
            assertThat(answer.item().path("state").asString()).isEqualTo("template");
        }
    }

    @Test
    void listsInPagesWhoseCursorIsInclusive() {
        for (int i = 0; i < 5; i++) {
            metro.call(
                    "POST",
                    "/v1/instances",
                    "{\"name\":\"i" + i + "\",\"image\":\"test/sleeper:1\",\"tags\":[\"even=" + (i % 2 == 0) + "\"]}");
        }
        List<String> seen = new ArrayList<>();
        String from = "";
        for (int page = 0; page < 4; page++) {
            JsonNode items = metro.call(
                            "GET", "/v1/instances?order=asc&sortby=create_time&count=2&details=false" + from)
                    .items();
            for (JsonNode item : items) {
                assertThat(item.propertyNames()).containsExactlyInAnyOrder("status", "uuid", "name");
                if (!seen.contains(item.path("name").asString())) {
                    seen.add(item.path("name").asString());
                }
            }
            from = "&from=" + items.get(items.size() - 1).path("uuid").asString();
        }
        assertThat(seen).containsExactly("i0", "i1", "i2", "i3", "i4");
        assertThat(metro.call("GET", "/v1/instances?tags=even%3Dtrue").items()).hasSize(3);
        assertThat(metro.call("GET", "/v1/instances?name=i1&name=i3").items()).hasSize(2);
        assertThat(metro.call("GET", "/v1/instances?from=00000000-0000-0000-0000-000000000000")
                        .items())
                .isEmpty();
        assertThat(metro.call("GET", "/v1/instances?count=many").status()).isEqualTo(400);
    }

    @Test
    void aUuidFilterIsValidated() {
        Answer answer = metro.call("GET", "/v1/instances?uuid=web");
        assertThat(answer.item().path("message").asString()).isEqualTo("Invalid uuid 'web'");
    }

    @Test
    void aPatchOfWhatTheGuestSeesWaitsUntilItStops() {
        metro.running("web", "\"env\":{\"A\":\"1\"}");
        Answer patched = metro.call(
                "PATCH",
                "/v1/instances",
                "[{\"name\":\"web\",\"prop\":\"memory_mb\",\"op\":\"set\",\"value\":512,\"id\":\"x\"},"
                        + "{\"name\":\"web\",\"prop\":\"env\",\"op\":\"add\",\"value\":{\"B\":\"2\"}},"
                        + "{\"name\":\"web\",\"prop\":\"env\",\"op\":\"del\",\"value\":[\"A\"]},"
                        + "{\"name\":\"web\",\"prop\":\"tags\",\"op\":\"add\",\"value\":[\"now\"]}]");
        assertThat(patched.envelope()).isEqualTo("success");
        assertThat(patched.item().path("id").asString()).isEqualTo("x");
        JsonNode running = metro.read("web");
        assertThat(running.path("memory_mb").asInt()).isEqualTo(128);
        assertThat(running.path("tags").get(0).asString()).isEqualTo("now");
        assertThat(running.path("updates")).hasSize(3);
        assertThat(running.path("updates").get(0).path("status").asString()).isEqualTo("pending");
        metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"web\"}]");
        metro.awaitState("web", "stopped");
        JsonNode stopped = metro.read("web");
        assertThat(stopped.path("memory_mb").asInt()).isEqualTo(512);
        assertThat(stopped.path("env").toString()).isEqualTo("{\"B\":\"2\"}");
        assertThat(stopped.path("updates")).isEmpty();
    }

    @Test
    void readsTheLogByOffset() {
        metro.running("web", "\"env\":{\"GREETING\":\"0123456789\"}");
        awaitLog("web", "up 0123456789\n");
        JsonNode item = metro.call("GET", "/v1/instances/log", "{\"name\":\"web\",\"offset\":3,\"limit\":4}")
                .item();
        assertThat(decoded(item)).isEqualTo("0123");
        assertThat(item.path("range").path("start").asInt()).isEqualTo(3);
        assertThat(item.path("range").path("end").asInt()).isEqualTo(7);
        assertThat(item.path("available").path("end").asInt()).isEqualTo(14);
        assertThat(decoded(metro.call("GET", "/v1/instances/log", "{\"name\":\"web\",\"offset\":-5}")
                        .item()))
                .isEqualTo("6789\n");
        assertThat(metro.call("GET", "/v1/instances/log", "{\"name\":\"web\",\"limit\":20000}")
                        .item()
                        .path("error")
                        .asInt())
                .isEqualTo(7);
    }

    @Test
    void aNoisyConsoleIsCutAndSaysWhereItNowBegins() {
        metro.call("POST", "/v1/instances", "{\"name\":\"loud\",\"image\":\"test/noisy:1\",\"autostart\":true}");
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> metro.call("GET", "/v1/instances/log", "{\"name\":\"loud\"}")
                                .item()
                                .path("available")
                                .path("start")
                                .asLong()
                        > 0);
    }

    @Test
    void autokillDeletesWhatWasStoppedLongEnoughAndNothingElse() {
        metro.running("awake", "\"autokill\":{\"time_ms\":1}");
        metro.running("asleep", "\"autokill\":{\"time_ms\":1}");
        metro.call("PUT", "/v1/instances/suspend", "[{\"name\":\"asleep\"}]");
        metro.awaitState("asleep", "standby");
        metro.running("stopped", "\"autokill\":{\"time_ms\":1}");
        metro.call("PUT", "/v1/instances/stop", "[{\"name\":\"stopped\"}]");
        Awaitility.await().until(() -> metro.read("stopped").path("error").asInt(0) == 8);
        assertThat(metro.read("awake").path("state").asString()).isEqualTo("running");
        assertThat(metro.read("asleep").path("state").asString()).isEqualTo("standby");
    }

    @Test
    void replicasAreInstancesOfTheirOwn() {
        Answer created =
                metro.call("POST", "/v1/instances", "{\"name\":\"r\",\"image\":\"test/sleeper:1\",\"replicas\":2}");
        assertThat(created.items()).hasSize(3);
        assertThat(metro.call("GET", "/v1/instances").items()).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'name':'x','image':'test/sleeper:1','colour':'red'} | 6 | Unknown member 'colour'",
                "{'name':'x'} | 7 | one of 'image' and 'template' is needed",
                "{'name':'../x','image':'i'} | 7 | Invalid 'name'",
                "{'name':7,'image':'i'} | 7 | a string is needed",
                "{'image':'i','memory_mb':1} | 7 | must be between 16 and 8192",
                "{'image':'i','memory_mb':'512'} | 7 | a whole number is needed",
                "{'image':'i','env':{'A':1}} | 7 | values must be strings",
                "{'image':'i','tags':'a'} | 7 | a list is needed",
                "{'image':'i','timeout_s':3} | 17 | needs 'autostart'",
                "{'image':'i','schedules':[{'name':'s'}]} | 1 | Not supported",
                "{'image':'i','volumes':[{'name':'v','at':'/v'}]} | 1 | Not supported",
                "{'image':'i','restart_policy':'always','features':['delete-on-stop']} | 17 | excludes",
                "{'image':'i','network_interfaces':[]} | 6 | Unknown member 'network_interfaces'",
                "{'template':{'name':'t'},'image':'i'} | 17 | Cannot specify 'image'",
                "{'template':{'name':'t'}} | 8 | No template",
                "[1] | 16 | an object is needed"
            })
    void refusesWhatItDoesNotUnderstand(String body, int code, String message) {
        Answer answer = metro.call("POST", "/v1/instances", body.replace('\'', '"'));
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.item().path("error").asInt()).isEqualTo(code);
        assertThat(answer.item().path("message").asString()).contains(message.replace('\'', '\''));
        assertThat(metro.call("GET", "/v1/instances").items()).isEmpty();
    }

    @Test
    void aTemplateIsMadeOfAnInstanceAndCloned() {
        metro.running("seed", "\"env\":{\"GREETING\":\"t\"},\"memory_mb\":64");
        assertThat(metro.call("POST", "/v1/instances/templates", "[{\"name\":\"seed\"}]")
                        .item()
                        .path("state")
                        .asString())
                .isEqualTo("template");
        assertThat(metro.call("GET", "/v1/instances").items()).isEmpty();
        assertThat(metro.call("GET", "/v1/instances/templates").items()).hasSize(1);
        Answer clone = metro.call(
                "POST",
                "/v1/instances",
                "{\"name\":\"clone\",\"template\":{\"name\":\"seed\"},\"autostart\":true,\"timeout_s\":10}");
        assertThat(clone.item().path("state").asString()).isEqualTo("running");
        assertThat(metro.read("clone").path("memory_mb").asInt()).isEqualTo(64);
        assertThat(metro.call("DELETE", "/v1/instances/templates", "[{\"name\":\"seed\"}]")
                        .envelope())
                .isEqualTo("success");
        assertThat(metro.read("clone").path("state").asString()).isEqualTo("running");
    }

    @Test
    void aTemplateOnDemandIsPreparedOnce() {
        String body =
                "{\"template\":{\"name\":\"tpl\",\"prepare\":true,\"create_args\":{\"image\":\"test/sleeper:1\"}}}";
        assertThat(metro.call("POST", "/v1/instances", body).envelope()).isEqualTo("success");
        assertThat(metro.call("POST", "/v1/instances", body).envelope()).isEqualTo("success");
        assertThat(metro.call("GET", "/v1/instances/templates").items()).hasSize(1);
        assertThat(metro.call("GET", "/v1/instances").items()).hasSize(2);
    }

    private void awaitLog(String name, String text) {
        Awaitility.await().until(() -> log(name).contains(text));
    }

    private String log(String name) {
        return decoded(
                metro.call("GET", "/v1/instances/log", "{\"name\":\"" + name + "\",\"offset\":-16000,\"limit\":16000}")
                        .item());
    }

    private static String decoded(JsonNode item) {
        return new String(Base64.getDecoder().decode(item.path("output").asString("")), StandardCharsets.UTF_8);
    }
}
