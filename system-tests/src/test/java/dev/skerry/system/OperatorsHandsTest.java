package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What an operator does to a session in Temporal leaves no VM behind and no record that lies. */
@Timeout(240)
class OperatorsHandsTest {
    private static final Pattern SESSION = Pattern.compile("ses_[0-9A-Z]{26}");

    private static final Pattern METRIC = Pattern.compile("\\b(?:skerry|temporal)_[a-z_]+[a-z]\\b");
    private static final Pattern GROUPED = Pattern.compile("\\bby \\(([^)]+)\\)");
    private static final Pattern FILTERED = Pattern.compile("\\{(\\w+)!?=");
    private static final JsonMapper JSON = JsonMapper.shared();

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private static Path directory;

    private static Installation installation;

    @BeforeAll
    static void start() throws Exception {
        installation = Installation.start(directory);
    }

    @AfterAll
    static void stop() {
        if (installation != null) {
            installation.close();
        }
    }

    @Test
    void cancelTakesTheSessionDown() throws Exception {
        String session = idleSession();
        installation.temporal().operator("workflow", "cancel", "--workflow-id", session);
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(reason(session)).isEqualTo("cancelled_by_operator");
        assertThat(installation.metroInstances()).doesNotContain(vm(session));
    }

    @Test
    void theReaperClearsUpAfterTerminate() throws Exception {
        String session = idleSession();
        installation.temporal().operator("workflow", "terminate", "--workflow-id", session, "--reason", "a test");
        assertThat(installation.metroInstances()).contains(vm(session));
        assertThat(status(session)).isEqualTo("idle");

        Command.Result looked = reap("--dry-run");
        assertThat(looked.output()).contains(session, vm(session), "1 orphans, 0 destroyed");
        assertThat(installation.metroInstances()).contains(vm(session));

        Command.Result reaped = reap();
        assertThat(reaped.exitCode()).as(reaped.output()).isZero();
        assertThat(reaped.output()).contains("1 closed", "1 orphans, 1 destroyed");
        assertThat(installation.metroInstances()).doesNotContain(vm(session));
        assertThat(reap("--metro", "local", "--json").output())
                .contains("\"metro\":\"local\"", "\"reclaimed\":0", "\"refused\":[],\"failed\":0");
        assertThat(status(session)).isEqualTo("terminated");
        assertThat(reason(session)).isEqualTo("workflow_ended");
        assertThat(openIncarnations(session)).isEmpty();
    }

    @Test
    void theReaperClearsUpAfterDelete() throws Exception {
        String session = idleSession();
        installation.temporal().operator("workflow", "delete", "--workflow-id", session, "--yes");
        WorkflowClient temporal = installation.temporalClient();
        try {
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> catchThrowable(() ->
                                    temporal.newUntypedWorkflowStub(session).describe())
                            instanceof WorkflowNotFoundException);
        } finally {
            temporal.getWorkflowServiceStubs().shutdown();
        }
        assertThat(status(session)).isEqualTo("idle");

        Command.Result reaped = reap();
        assertThat(reaped.exitCode()).as(reaped.output()).isZero();
        assertThat(reaped.output()).contains("1 closed", "1 orphans, 1 destroyed");
        assertThat(installation.metroInstances()).doesNotContain(vm(session));
        assertThat(status(session)).isEqualTo("terminated");
        assertThat(reason(session)).isEqualTo("workflow_ended");
        assertThat(openIncarnations(session)).isEmpty();
    }

    @Test
    void anOwnersDeleteAfterTerminateLeavesNothingToTheReaperButTheVm() throws Exception {
        String session = idleSession();
        installation.temporal().operator("workflow", "terminate", "--workflow-id", session, "--reason", "a test");
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        assertThat(status(session)).isEqualTo("terminated");
        assertThat(reason(session)).isEqualTo("deleted");
        assertThat(openIncarnations(session)).isEmpty();

        Command.Result reaped = reap();
        assertThat(reaped.exitCode()).as(reaped.output()).isZero();
        assertThat(installation.metroInstances()).doesNotContain(vm(session));
        assertThat(reason(session)).isEqualTo("deleted");
    }

    @Test
    void anIdleSessionWhoseVmWasStoppedInTheMetroIsSuspendedAndGoesOnInANewOne() throws Exception {
        String session = idleSession();
        installation.stopInMetro(vm(session) + "1");
        installation.awaitStatus(session, "suspended", PATIENCE);
        assertThat(reason(session)).isEqualTo("sandbox_died");
        assertThat(installation.metroInstances()).doesNotContain(vm(session));
        assertThat(installation.skerry("session", "send", session, "Once more").output())
                .contains("Done");
        assertThat(installation.metroInstances()).contains(vm(session) + "2");
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
    }

    @Test
    void aResetSessionGoesOnWithoutItsOldVm() throws Exception {
        String session = idleSession();
        String told =
                installation.skerry("session", "send", session, "Once more").output();
        assertThat(told).contains("Done");
        installation
                .temporal()
                .operator(
                        "workflow",
                        "reset",
                        "--workflow-id",
                        session,
                        "--type",
                        "FirstWorkflowTask",
                        "--reason",
                        "a test");
        Command.Result sent = installation.skerry("session", "send", session, "And again");
        assertThat(sent.exitCode()).as(sent.output()).isZero();
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> status(session).equals("idle"));
        assertThat(installation.metroInstances().split("\"name\":\"" + vm(session), -1))
                .hasSizeLessThanOrEqualTo(2);
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(installation.metroInstances()).doesNotContain(vm(session));
    }

    @Test
    void whatRunsReplaysAgainstThisBuild() throws Exception {
        String session = idleSession();
        Path history = directory.resolve("history.json");
        Files.writeString(
                history,
                installation.temporal().operator("workflow", "show", "--workflow-id", session, "--output", "json"));
        Command.Result file = installation.skerry("replay", history.toString());
        assertThat(file.exitCode()).as(file.output()).isZero();
        Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            Command.Result live = installation.skerry(
                    "replay", "--temporal", installation.temporal().target());
            assertThat(live.exitCode()).as(live.output()).isZero();
            assertThat(live.output()).contains("ok    " + session, "0 failed");
        });
        Command.Result nobodys = installation.skerry(
                "replay", "--temporal", installation.temporal().target(), "--query", "SkerryTenant = 'nobody'");
        assertThat(nobodys.exitCode()).as(nobodys.output()).isEqualTo(1);
        assertThat(nobodys.output()).doesNotContain(session);
        Files.writeString(history, Files.readString(history).replace("\"Provision\"", "\"Conjure\""));
        Command.Result changed = installation.skerry("replay", history.toString());
        assertThat(changed.exitCode()).isEqualTo(1);
        assertThat(changed.output())
                .contains("FAIL  " + history, "doesn't match event")
                .doesNotContain("query failure");
        Command.Result missing =
                installation.skerry("replay", directory.resolve("none").toString());
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.output()).contains("none cannot be read.");
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
    }

    @Test
    void everyMetricOfTheDashboardExists() throws Exception {
        String session = idleSession();
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
        List<Series> named = dashboard();
        assertThat(named).extracting(Series::metric).contains("skerry_metro_free", "skerry_sandboxes_lost_total");
        Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            List<String> served = installation.metrics().lines().toList();
            assertThat(named).allSatisfy(series -> assertThat(served).anyMatch(series::isIn));
        });
    }

    /** A metric with the labels that a panel tells apart or filters by. */
    private record Series(String metric, Set<String> labels) {
        boolean isIn(String line) {
            return (line.startsWith(metric + "{") || line.startsWith(metric + " "))
                    && labels.stream().allMatch(label -> line.contains(label + "=\""));
        }
    }

    private static List<Series> dashboard() {
        List<Series> series = new ArrayList<>();
        for (JsonNode panel : JSON.readTree(Distribution.root()
                        .resolve("deploy/grafana/skerry.json")
                        .toFile())
                .at("/panels")) {
            for (JsonNode target : panel.at("/targets")) {
                String expression = target.at("/expr").asString();
                Set<String> labels = Stream.concat(
                                GROUPED.matcher(expression)
                                        .results()
                                        .flatMap(by -> Stream.of(by.group(1).split(", ", -1))),
                                FILTERED.matcher(expression).results().map(filter -> filter.group(1)))
                        .collect(Collectors.toSet());
                METRIC.matcher(expression)
                        .results()
                        .map(MatchResult::group)
                        .forEach(metric -> series.add(new Series(metric, labels)));
            }
        }
        return series;
    }

    private static Command.Result reap(String... more) throws Exception {
        String[] arguments = new String[more.length + 5];
        System.arraycopy(
                new String[] {"reap", "--temporal", installation.temporal().target(), "--grace", "PT0S"},
                0,
                arguments,
                0,
                5);
        System.arraycopy(more, 0, arguments, 5, more.length);
        return installation.skerry(arguments);
    }

    private static String idleSession() throws Exception {
        String session =
                sessionIn(installation.skerry("session", "create", "Say hello").output());
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> installation
                        .query("select status from turns where session_id = '" + session + "'")
                        .contains("completed"));
        installation.awaitStatus(session, "idle", PATIENCE);
        return session;
    }

    private static String vm(String session) {
        return "skerry-systest-" + session.substring(4).toLowerCase(java.util.Locale.ROOT) + "-";
    }

    private static String status(String session) throws Exception {
        return installation
                .query("select status from sessions where id = '" + session + "'")
                .getFirst();
    }

    private static String reason(String session) throws Exception {
        return installation
                .query("select reason_code from sessions where id = '" + session + "'")
                .getFirst();
    }

    private static List<String> openIncarnations(String session) throws Exception {
        return installation.query(
                "select state from incarnations where state <> 'closed' and session_id = '" + session + "'");
    }

    private static String sessionIn(String output) {
        Matcher matcher = SESSION.matcher(output);
        assertThat(matcher.find()).as(output).isTrue();
        return matcher.group();
    }
}
