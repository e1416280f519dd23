package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.SoftAssertions.assertSoftly;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.temporal.SearchAttributes;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowExecutionDescription;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From nothing to gone, every role a process of its own, on a real Temporal server. */
@Timeout(240)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MainJobTest {
    private static final int LATE = Integer.MAX_VALUE - 1;
    private static final int LAST = Integer.MAX_VALUE;
    private static final String CREDENTIAL = "canary-credential-of-a-system-test";
    private static final String PROVIDER_KEY = "sk-ant-canary-of-a-system-test";
    private static final Pattern SESSION = Pattern.compile("ses_[0-9A-Z]{26}");

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private static Path directory;

    private static final StringBuilder SAID = new StringBuilder();

    private static HttpServer provider;
    private static TestingCollector collector;
    private static Installation installation;

    @BeforeAll
    static void start() throws Exception {
        provider = aProviderThatRepeatsTheKey();
        collector = TestingCollector.start();
        installation = Installation.start(
                directory,
                Map.of(),
                Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        collector.endpoint(),
                        "ANTHROPIC_API_KEY",
                        "",
                        "SKERRY_MODELS_ANTHROPICKEYSTORED",
                        "true",
                        "SKERRY_MODELS_ANTHROPICBASEURL",
                        "http://127.0.0.1:" + provider.getAddress().getPort(),
                        "SKERRY_MODELS_DEFAULTMODEL",
                        "rehearsal",
                        "MANAGEMENT_OPENTELEMETRY_TRACING_EXPORT_SCHEDULEDELAY",
                        "200ms"));
    }

    @AfterAll
    static void stop() {
        if (installation != null) {
            installation.close();
        }
        if (collector != null) {
            collector.close();
        }
        if (provider != null) {
            provider.stop(0);
        }
    }

    @Test
    void takesATaskFromNothingToGone() throws Exception {
        String task = "Write a haiku about lighthouses into beacon-haiku.txt and show me the file";
        Command.Result run = installation.skerry("run", task);
        assertThat(run.exitCode()).as(run.output()).isZero();
        assertThat(run.output())
                .contains("Rehearsal model", "Sandbox ready", "Done", "beacon-haiku.txt", "tokens revoked");
        String session = sessionIn(run.output());

        assertThat(installation.metroInstances()).contains("\"instances\":[]");
        assertThat(installation.sandboxProcesses()).isEmpty();
        assertThat(installation.query("select state from incarnations where session_id = '" + session + "'"))
                .containsExactly("closed");
        assertThat(installation.query("select status from sessions where id = '" + session + "'"))
                .containsExactly("terminated");
        assertThat(installation.query("select reserved_nano_usd from sessions where id = '" + session + "'"))
                .containsExactly("0");

        WorkflowClient temporal = installation.temporalClient();
        String history = temporal.fetchHistory(session).toJson(true);
        WorkflowExecutionDescription described =
                temporal.newUntypedWorkflowStub(session).describe();
        assertThat(described.getStatus()).isEqualTo(WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED);
        assertThat(described.getStaticSummary()).isEqualTo("Agent session " + session);
        assertThat(described.getTypedSearchAttributes().get(SearchAttributes.STATUS))
                .isEqualTo("terminated");
        assertThat(described.getTypedSearchAttributes().get(SearchAttributes.TENANT))
                .isEqualTo("ten_default");
        assertThat(history).doesNotContain("beacon-haiku", "lighthouses", "SESSION_TOKEN", Installation.INTERNAL_TOKEN);
        assertThat(installation.logs())
                .doesNotContain("beacon-haiku", Installation.INTERNAL_TOKEN, Installation.METRO_TOKEN);
        temporal.getWorkflowServiceStubs().shutdown();

        Command.Result pulled = installation.skerry("session", "files", "pull", session, "beacon-haiku.txt", "-o", "-");
        assertThat(pulled.output()).contains("turning light");
    }

    @Test
    void putsEverythingThatATurnCausesIntoTheTraceOfWhoeverAskedForIt() throws Exception {
        String trace = "0af7651916cd43dd8448eb211c80319c";
        String session = sessionIn(installation.post(
                "/v1/sessions",
                "{\"message\":\"Write about a foghorn into foghorn.txt\"}",
                Map.of("traceparent", "00-" + trace + "-b7ad6b7169203331-01")));
        Awaitility.await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
            assertThat(collector.has("api", "http post /v1/sessions", trace)).isTrue();
            assertThat(collector.has("worker", "Provision", trace)).isTrue();
            assertThat(collector.has("worker", "skerry.provider.call", trace)).isTrue();
            assertThat(collector.has("control-plane", "turn llm", trace)).isTrue();
            assertThat(collector.has("control-plane", "completed", trace)).isTrue();
        });
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(collector.everything())
                .doesNotContain("foghorn", "/sandbox/v1", Installation.INTERNAL_TOKEN, Installation.METRO_TOKEN);
    }

    @Test
    void suspendsWakesAndRemembers() throws Exception {
        Command.Result run = installation.skerry("run", "--keep", "--idle-timeout", "2s", "Start a list in lights.txt");
        assertThat(run.exitCode()).as(run.output()).isZero();
        String session = sessionIn(run.output());
        installation.awaitStatus(session, "suspended", PATIENCE);
        assertThat(installation.sandboxProcesses()).isNotEmpty();
        assertThat(installation.metroInstances()).contains("\"state\":\"standby\"");

        Command.Result sent = installation.skerry("session", "send", session, "Add one more line");
        assertThat(sent.exitCode()).as(sent.output()).isZero();
        assertThat(sent.output()).contains("Resumed", "I remember 1 earlier turn(s)", "Turn 2 was here.");
        assertThat(installation.query("select incarnation from sessions where id = '" + session + "'"))
                .containsExactly("2");

        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(installation.sandboxProcesses()).isEmpty();
    }

    @Test
    void refusesItsTokensOnceItIsOver() throws Exception {
        String session = sessionIn(installation
                .skerry("session", "create", "rehearse:sleep=60 into never.txt")
                .output());
        awaitBash(session);
        StolenIdentity stolen = StolenIdentity.from(installation.sandboxProcesses());
        assertThat(stolen.hello()).isEqualTo("401 token_spent");

        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(stolen.hello()).isEqualTo("410 session_ended");
        installation.execute("update incarnations set token_sha256 = sha256('" + StolenIdentity.SESSION_TOKEN
                + "'::bytea) where session_id = '" + session + "'");
        assertThat(stolen.state()).isEqualTo("410 session_ended");
    }

    @Test
    void goesOnInANewSandboxWhenTheFirstIsKilledInMidTurn() throws Exception {
        Command.Result created = installation.skerry("session", "create", "rehearse:sleep=4 into survivor.txt");
        String session = sessionIn(created.output());
        awaitBash(session);
        for (String process : installation.sandboxProcesses()) {
            ProcessHandle.of(Long.parseLong(process.substring(0, process.indexOf(' '))))
                    .ifPresent(found -> {
                        found.descendants().forEach(ProcessHandle::destroyForcibly);
                        found.destroyForcibly();
                    });
        }
        Awaitility.await()
                .atMost(Duration.ofSeconds(90))
                .until(() -> installation
                        .query("select status from turns where session_id = '" + session + "'")
                        .contains("completed"));
        assertThat(installation.query("select incarnation from sessions where id = '" + session + "'"))
                .containsExactly("2");
        assertThat(installation.query(
                        "select count(*) from messages where role = 'user' and session_id = '" + session + "'"))
                .containsExactly("1");
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);
        assertThat(installation.sandboxProcesses()).isEmpty();
    }

    @Test
    @Order(LATE)
    void operatorsKeepCredentialsAndProviderKeys() throws Exception {
        String rule = "GET https://api.example.com/v1/*";
        operator(0, "example is set", "credentials", "set", "example", "--from-env", "VALUE", "--allow", rule);
        operator(0, rule, "credentials", "list");
        operator(0, "0 sealed with the current key", "credentials", "rotate");
        operator(2, "NOPE is not set", "credentials", "set", "example", "--from-env", "NOPE", "--allow", rule);
        operator(
                4,
                "no tenant ten_x.",
                "credentials",
                "set",
                "e",
                "--tenant=ten_x",
                "--from-env=VALUE",
                "--allow",
                rule);
        operator(2, "'a/b' is no name", "credentials", "delete", "a/b");
        operator(0, "example is deleted", "credentials", "delete", "example");
        operator(4, "Correct the name", "credentials", "delete", "example");
        operator(0, "key of anthropic is set", "credentials", "provider-key", "anthropic", "--from-env", "KEY");
        operator(4, "anthropic or openai", "credentials", "provider-key", "nobody", "--from-env", "KEY");

        Command.Result run = installation.skerry("run", "--model", "claude-sonnet-4-5", "Say hello");
        SAID.append(run.output());
        assertThat(run.exitCode()).as(run.output()).isEqualTo(1);
        assertThat(run.output()).contains("skerry credentials provider-key anthropic");
    }

    @Test
    @Order(LATE)
    void operatorsStopSessionsAndSeeWhetherTheAuditLogIsWhole() throws Exception {
        String session = sessionIn(installation
                .skerry("session", "create", "rehearse:sleep=60 into stopped.txt")
                .output());
        awaitBash(session);
        operator(0, "engaged", "kill-switch", "engage", "session", session, "--reason", "a drill");
        operator(0, session + "  a drill", "kill-switch", "list");
        operator(4, "no session ses_x.", "kill-switch", "engage", "session", "ses_x", "--reason", "a drill");
        operator(2, "needs an id", "kill-switch", "engage", "session", "--reason", "a drill");
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> !installation
                        .query("select 1 from audit where kind = 'call.refused' and chain = '" + session + "'")
                        .isEmpty());
        operator(0, "released", "kill-switch", "release", "session", session);
        operator(4, "not engaged", "kill-switch", "release", "session", session);
        assertThat(installation.skerry("session", "delete", session).exitCode()).isZero();
        installation.awaitStatus(session, "terminated", PATIENCE);

        operator(0, "kill_switch.engaged", "audit", "show", session);
        operator(4, "no entries of ses_x", "audit", "show", "ses_x");
        operator(0, "whole", "audit", "verify");
        installation.execute("alter table audit disable trigger user;"
                + " update audit set kind = 'forged' where seq = 2 and chain = '" + session + "';"
                + " alter table audit enable trigger user");
        operator(1, "BROKEN    " + session, "audit", "verify", session);
    }

    @Test
    @Order(LAST)
    void noSecretIsInAnyLogHistoryTraceMetricOrColumn() throws Exception {
        Map<String, String> places = Map.of(
                "a log", installation.logs(),
                "a workflow's history", installation.everyHistory(),
                "the database", installation.everyColumn(),
                "a trace", collector.everything(),
                "a metric", installation.metrics(),
                "what commands said", SAID.toString());
        assertThat(places)
                .allSatisfy((place, text) -> assertThat(text).as(place).containsIgnoringCase("skerry"));
        Map<String, String> secrets = new HashMap<>(installation.secrets());
        secrets.put("credential", CREDENTIAL);
        secrets.put("provider's key", PROVIDER_KEY);
        assertSoftly(found -> places.forEach((place, text) -> secrets.forEach((name, secret) -> found.assertThat(
                        text.lines().filter(line -> line.contains(secret)).limit(3))
                .as("%s in %s", name, place)
                .isEmpty())));
    }

    private static void operator(int exitCode, String says, String... command) throws Exception {
        Command.Result result = installation.operator(Map.of("VALUE", CREDENTIAL, "KEY", PROVIDER_KEY), command);
        SAID.append(result.output());
        assertThat(result.output()).contains(says);
        assertThat(result.exitCode()).as(result.output()).isEqualTo(exitCode);
    }

    private static HttpServer aProviderThatRepeatsTheKey() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] refusal = ("{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid: "
                            + exchange.getRequestHeaders().getFirst("x-api-key") + "\"}}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(401, refusal.length);
            exchange.getResponseBody().write(refusal);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static void awaitBash(String session) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> !installation
                        .query(
                                "select 1 from events where type = 'tool.started' and data->>'name' = 'bash' and session_id = '"
                                        + session + "'")
                        .isEmpty());
    }

    private static String sessionIn(String output) {
        Matcher matcher = SESSION.matcher(output);
        assertThat(matcher.find()).as(output).isTrue();
        return matcher.group();
    }
}
