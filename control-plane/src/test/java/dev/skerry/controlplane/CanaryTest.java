package dev.skerry.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.SoftAssertions.assertSoftly;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.env.Environment;

/**
 * Looks for every secret of a control plane in everything that leaves it or that it keeps, after a run in which much goes wrong, with
 * all of its libraries as talkative as they get.
 */
@ControlPlaneTest
class CanaryTest {
    private static final String TENANT = "ten_canary";
    private static final String PATH = "/canary/" + UUID.randomUUID();
    private static final String CREDENTIAL = "canary-credential-" + UUID.randomUUID();
    private static final String ANTHROPIC_KEY = "sk-ant-canary-" + UUID.randomUUID();
    private static final String OPENAI_KEY = "sk-oai-canary-" + UUID.randomUUID();
    private static final String SIGNING_KEY = key();
    private static final String ENVELOPE_KEY = key();
    private static final String QUESTION = "question-" + UUID.randomUUID();

    @Autowired
    World world;

    @Autowired
    Environment environment;

    private final Map<String, String> secrets = new LinkedHashMap<>();
    private final List<String> answers = new ArrayList<>();
    private ControlPlaneProcess process;

    @BeforeEach
    void start() {
        process = ControlPlaneProcess.start(
                environment,
                Map.ofEntries(
                        Map.entry("logging.level.root", "DEBUG"),
                        Map.entry("skerry.control-plane.keys.current", "canary"),
                        Map.entry("skerry.control-plane.keys.secrets.canary", SIGNING_KEY),
                        Map.entry("skerry.control-plane.credentials.current", "canary"),
                        Map.entry("skerry.control-plane.credentials.secrets.canary", ENVELOPE_KEY),
                        Map.entry("skerry.control-plane.operator.token", ControlPlaneTest.OPERATOR_TOKEN),
                        Map.entry("skerry.control-plane.http.allow-private", "127.0.0.1:" + TestingTarget.port()),
                        Map.entry("skerry.control-plane.limits.http-time", "2s"),
                        Map.entry("skerry.models.anthropic-key", ANTHROPIC_KEY),
                        Map.entry("skerry.models.anthropic-base-url", TestingModels.origin()),
                        Map.entry("skerry.models.openai-key", OPENAI_KEY),
                        Map.entry("skerry.models.openai-base-url", TestingModels.origin() + "/v1"),
                        Map.entry("skerry.models.openai-model", TestingModels.OPENAI_MODEL)));
        secrets.putAll(Map.of(
                "internal token", ControlPlaneTest.INTERNAL_TOKEN,
                "operator token", ControlPlaneTest.OPERATOR_TOKEN,
                "Anthropic key", ANTHROPIC_KEY,
                "OpenAI key", OPENAI_KEY,
                "signing key", SIGNING_KEY,
                "envelope key", ENVELOPE_KEY,
                "credential", CREDENTIAL));
    }

    @AfterEach
    void stop() {
        process.close();
    }

    @Test
    void noSecretIsInAnyLogErrorMetricEventOrColumn() throws IOException {
        Sandbox sandbox = boot(world.session(TENANT, TestingModels.ANTHROPIC_MODEL, World.DOLLAR));
        String turn = world.turn(sandbox.session(), QUESTION);
        heard(world.worker(
                process.internalOrigin(),
                sandbox.session(),
                "/incarnations/1/turns/" + turn,
                World.giving(Base64.getEncoder().encodeToString("no activity".getBytes(StandardCharsets.UTF_8)))));
        askModelsThatRepeatTheirKeys(sandbox, turn);
        askServersThatRepeatTheCredential(sandbox);
        showTokensWhereTheyDoNotBelong(sandbox);
        breakWhatIsStored(sandbox);
        crashInTheMiddleOfACall(sandbox);
        heard(Http.call("GET", process.managementOrigin() + "/actuator/prometheus", null, null));
        heard(Http.call("GET", process.managementOrigin() + "/actuator/health", null, null));
        heard(operator("GET", "/tenants/" + TENANT + "/credentials", null));
        heard(operator("GET", "/audit/entries?chain=" + sandbox.session(), null));
        heard(operator("GET", "/audit/entries?chain=platform", null));

        String stored = everyColumn();
        String log = process.log();
        assertThat(stored).contains(QUESTION, sandbox.session(), "model.failed", "http.request", "call.refused");
        assertThat(log).contains(sandbox.session(), " DEBUG ", "a request failed");
        assertThat(answers).hasSizeGreaterThan(30).anyMatch(answer -> answer.contains("jvm_memory_used_bytes"));
        assertSoftly(found -> secrets.forEach((name, secret) -> forms(secret).forEach(form -> {
            found.assertThat(occurrences(log, form)).as("%s in the log", name).isEmpty();
            found.assertThat(occurrences(String.join("\n", answers), form))
                    .as("%s in an answer or a metric", name)
                    .isEmpty();
            found.assertThat(occurrences(stored, form))
                    .as("%s in the database", name)
                    .isEmpty();
        })));
    }

    private Sandbox boot(String session) {
        String boot = world.worker(process.internalOrigin(), session, "/incarnations", "{'number': 1, 'resumes': null}")
                .body()
                .path("boot_token")
                .asString();
        secrets.put("boot token", boot);
        hear(boot, "{'nonce': 'short', 'runtime_version': '0', 'driver': 'plain', 'probes': []}");
        hear(boot, "{'nonce': '" + boot + "', 'token': '" + boot + "'}");
        hear(boot + "x", hello(World.nonce()));
        hear(null, hello(World.nonce()));
        Answer welcome = Http.call("POST", process.sandboxOrigin() + "/sandbox/v1/hello", boot, hello(World.nonce()));
        String token = welcome.body().path("session_token").asString();
        assertThat(token).as(welcome.text()).hasSize(43);
        secrets.put("session token", token);
        hear(boot, hello(World.nonce()));
        return new Sandbox(process.sandboxOrigin(), session, 1, token);
    }

    private void hear(String bearer, String hello) {
        heard(Http.call("POST", process.sandboxOrigin() + "/sandbox/v1/hello", bearer, hello.replace('\'', '"')));
    }

    private static String hello(String nonce) {
        return ("{'nonce': '" + nonce
                        + "', 'runtime_version': '0.1.0', 'driver': 'plain', 'probes': [{'id': 'S01', 'result': 'pass', 'detail': ''}]}")
                .replace('\'', '"');
    }

    private void askModelsThatRepeatTheirKeys(Sandbox sandbox, String turn) {
        List<Function<String, Reply>> errors = List.of(
                key -> error(400, key),
                key -> error(401, key),
                key -> error(403, key),
                key -> error(422, key),
                key -> Reply.text(500, "text/plain", "no JSON: " + key),
                key -> Reply.json(302, "{}", "Location: http://127.0.0.1/" + key),
                key -> Reply.json(200, "{\"error\": \"" + key + "\"}", "x-request-id: " + key));
        for (Function<String, Reply> error : errors) {
            String marker = TestingModels.marker(received -> error.apply(keyIn(received)));
            heard(sandbox.post(
                    "/llm/openai/v1/chat/completions",
                    "{'model': '" + TestingModels.OPENAI_MODEL + "', 'messages': [{'role': 'user', 'content': '"
                            + marker + "'}]}"));
            heard(sandbox.post(
                    "/llm/anthropic/v1/messages",
                    "{'model': '" + TestingModels.ANTHROPIC_MODEL
                            + "', 'max_tokens': 10, 'messages': [{'role': 'user', 'content': '" + marker + "'}]}"));
        }
        TestingModels.marker(QUESTION, received -> error(400, keyIn(received)));
        heard(sandbox.post("/llm", "{'turn': '" + turn + "', 'seq': 1, 'new_messages': []}"));
        TestingModels.marker(
                QUESTION,
                received -> Reply.events(
                        List.of("event: error\ndata: {\"error\": {\"message\": \"" + keyIn(received) + "\"}}")));
        heard(sandbox.post(
                "/llm", "{'turn': '" + turn + "', 'seq': 1, 'new_messages': []}", "Accept", "text/event-stream"));
    }

    private static String keyIn(Received received) {
        String key =
                received.headers().getOrDefault("x-api-key", received.headers().get("authorization"));
        return key.replace("Bearer ", "");
    }

    private static Reply error(int status, String key) {
        return Reply.json(
                status,
                "{\"type\": \"error\", \"error\": {\"type\": \"invalid\", \"message\": \"wrong key: " + key + "\"}}");
    }

    private void askServersThatRepeatTheCredential(Sandbox sandbox) {
        TestingTarget.on(PATH, (exchange, received) -> {
            exchange.getResponseHeaders()
                    .add("X-Echo", String.valueOf(received.headers().get("authorization")));
            exchange.getResponseHeaders().add("Location", received.uri() + "&again=" + CREDENTIAL);
            TestingTarget.text(exchange, 302, received.uri() + received.headers());
        });
        TestingTarget.on(PATH + "/cut", (exchange, received) -> exchange.close());
        Map<String, String> forms = Map.of(
                "bearer", "{'as': 'header', 'name': 'Authorization', 'prefix': 'Bearer '}",
                "basic", "{'as': 'basic', 'username': 'me'}",
                "query", "{'as': 'query', 'name': 'api_key'}");
        forms.forEach((name, injection) -> {
            heard(operator(
                    "PUT",
                    "/tenants/" + TENANT + "/credentials/" + name,
                    "{'value': '" + CREDENTIAL + "', 'injection': " + injection + ", 'allow': ['GET "
                            + TestingTarget.url(PATH + "*") + "']}"));
            heard(http(sandbox, TestingTarget.url(PATH), name));
            heard(http(sandbox, TestingTarget.url(PATH + "/cut"), name));
            heard(http(sandbox, "http://127.0.0.1:1/" + name, name));
        });
        heard(operator(
                "PUT",
                "/tenants/" + TENANT + "/credentials/broken",
                "{'value': '" + CREDENTIAL + "', 'injection': 7}"));
        heard(operator("PUT", "/tenants/" + TENANT + "/credentials/broken", "{'value': '" + CREDENTIAL + "'"));
    }

    private void showTokensWhereTheyDoNotBelong(Sandbox sandbox) {
        String token = sandbox.token();
        String origin = sandbox.origin();
        heard(Http.call("GET", origin + "/sandbox/v1/" + token, token, null));
        heard(Http.call("GET", origin + "/sandbox/v1/state?token=" + token, null, null));
        heard(Http.call("GET", origin + "/" + token + "/" + token.substring(0, 20) + "/x", token, null));
        heard(Http.call("GET", process.internalOrigin() + "/internal/v1/operator/audit/chains", token, null));
        heard(Http.call("GET", origin + "/internal/v1/operator/audit/chains", ControlPlaneTest.OPERATOR_TOKEN, null));
        heard(sandbox.post("/heartbeat", "{'turn': '" + token));
        heard(sandbox.post("/heartbeat", "{'" + token + "': 1}"));
        heard(sandbox.post("/turns/" + token + "/outcome", "{'status': '" + token + "'}"));
        heard(sandbox.post("/http", "{'method': '" + token + "', 'url': '" + token + "'}", "Idempotency-Key", token));
        heard(sandbox.get("/next?wait=" + token));
        heard(Http.call("GET", origin + "/sandbox/v1/state", token, null, "X-Request-ID", "canary", "X-Odd", token));
    }

    private void breakWhatIsStored(Sandbox sandbox) {
        world.jdbc()
                .sql(
                        "update credentials set injection = '{\"as\": \"nothing\"}' where tenant_id = ? and name = 'basic'")
                .param(TENANT)
                .update();
        world.jdbc()
                .sql("update credentials set sealed = sealed || '\\x00'::bytea where tenant_id = ? and name = 'query'")
                .param(TENANT)
                .update();
        heard(http(sandbox, TestingTarget.url(PATH), "basic"));
        heard(http(sandbox, TestingTarget.url(PATH), "query"));
        world.jdbc()
                .sql("delete from credentials where tenant_id = ? and name = 'basic'")
                .param(TENANT)
                .update();
    }

    private void crashInTheMiddleOfACall(Sandbox sandbox) {
        String marker = TestingModels.marker(
                received -> Reply.events(TestingModels.events(received)).slowly(Duration.ofSeconds(1)));
        CompletableFuture<Answer> call = CompletableFuture.supplyAsync(() -> sandbox.post(
                "/llm/openai/v1/chat/completions",
                "{'model': '" + TestingModels.OPENAI_MODEL
                        + "', 'stream': true, 'messages': [{'role': 'user', 'content': '" + marker + "'}]}"));
        await().until(() -> !TestingModels.received(marker).isEmpty());
        process.restart();
        assertThat(call).failsWithin(Duration.ofSeconds(10));
        heard(sandbox.get("/state"));
    }

    private Answer operator(String method, String path, String json) {
        return Http.call(
                method,
                process.internalOrigin() + "/internal/v1/operator" + path,
                ControlPlaneTest.OPERATOR_TOKEN,
                json == null ? null : json.replace('\'', '"'));
    }

    private static Answer http(Sandbox sandbox, String url, String credential) {
        return sandbox.post(
                "/http",
                "{'method': 'GET', 'url': '" + url + "', 'credential': '" + credential + "'}",
                "Idempotency-Key",
                UUID.randomUUID().toString());
    }

    private void heard(Answer answer) {
        answers.add(answer.status() + " " + answer.headers().map() + " " + answer.text());
    }

    /** Every row of every table as text; bytes are in hexadecimal. */
    private String everyColumn() {
        StringBuilder all = new StringBuilder();
        for (String table : world.jdbc()
                .sql("select table_name from information_schema.tables where table_schema = 'public'")
                .query(String.class)
                .list()) {
            world.jdbc()
                    .sql("select t::text from \"" + table + "\" t")
                    .query(String.class)
                    .list()
                    .forEach(row -> all.append(table).append(": ").append(row).append('\n'));
        }
        return all.toString();
    }

    /** As it is, in hexadecimal, and in base64 behind nothing or what HTTP Basic puts before it. */
    private static Stream<String> forms(String secret) {
        byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
        return Stream.of(
                secret,
                HexFormat.of().formatHex(bytes),
                Base64.getEncoder().withoutPadding().encodeToString(bytes).substring(0, bytes.length),
                Base64.getEncoder()
                        .withoutPadding()
                        .encodeToString(("me:" + secret).getBytes(StandardCharsets.UTF_8))
                        .substring(4, bytes.length));
    }

    private static List<String> occurrences(String text, String secret) {
        return text.lines().filter(line -> line.contains(secret)).limit(5).toList();
    }

    private static String key() {
        byte[] bytes = new byte[32];
        new java.security.SecureRandom().nextBytes(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }
}
