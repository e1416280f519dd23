package dev.skerry.controlplane.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingTarget;
import dev.skerry.controlplane.TestingTarget.Received;
import dev.skerry.controlplane.World;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class HttpTest {
    private static final String SECRET = "canary-5ecret-Value/+=7";

    @Autowired
    World world;

    private Sandbox sandbox;

    @BeforeEach
    void boot() {
        sandbox = world.boot(world.session(), 1);
    }

    @Test
    void makesARequestThatARuleAllows() {
        TestingTarget.on("/open/hello", (exchange, received) -> {
            exchange.getResponseHeaders().add("X-Answer", "yes");
            TestingTarget.text(exchange, 201, "Grüße");
        });

        Answer answer = ask(Map.of(
                "method",
                "POST",
                "url",
                TestingTarget.url("/open/hello?a=b"),
                "headers",
                Map.of("Content-Type", "text/plain"),
                "body",
                "hi"));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body().path("status").asInt()).isEqualTo(201);
        assertThat(answer.body().path("body").asString()).isEqualTo("Grüße");
        assertThat(answer.body().path("truncated").asBoolean()).isFalse();
        assertThat(answer.body().path("headers").path("x-answer").get(0).asString())
                .isEqualTo("yes");
        Received received = TestingTarget.received("/open/hello").getFirst();
        assertThat(received.uri()).isEqualTo("/open/hello?a=b");
        assertThat(received.body()).isEqualTo("hi");
        assertThat(world.eventTypes(sandbox.session())).contains("http.request");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/closed", "/open", "/open/../closed", "/open/%2e%2e/closed", "/open/..%2fclosed", "//open/x"})
    void refusesAPathThatNoRuleAllowsAndSaysSoInTheLog(String path) {
        TestingTarget.on("/closed", (exchange, received) -> TestingTarget.text(exchange, 200, "secret"));

        Answer answer = ask(Map.of("method", "GET", "url", TestingTarget.url(path)));

        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.code()).isEqualTo("policy_denied");
        assertThat(TestingTarget.received("/closed")).isEmpty();
        assertThat(world.eventTypes(sandbox.session())).contains("policy.denied");
    }

    @Test
    void refusesAMethodThatNoRuleAllows() {
        assertThat(ask(Map.of("method", "DELETE", "url", TestingTarget.url("/open/x")))
                        .status())
                .isEqualTo(403);
        assertThat(ask(Map.of("method", "CONNECT", "url", TestingTarget.url("/open/x")))
                        .status())
                .isEqualTo(422);
    }

    @Test
    void refusesHeadersThatAreNotTheSandboxsToSet() {
        for (String name : List.of(
                "Host", "Content-Length", "Transfer-Encoding", "X-Forwarded-For", "Proxy-Authorization", "a\nb")) {
            assertThat(ask(Map.of("method", "GET", "url", TestingTarget.url("/open/x"), "headers", Map.of(name, "1")))
                            .status())
                    .as(name)
                    .isEqualTo(422);
        }
        assertThat(ask(Map.of(
                                "method",
                                "GET",
                                "url",
                                TestingTarget.url("/open/x"),
                                "headers",
                                Map.of("A", "b\r\nC: d")))
                        .status())
                .isEqualTo(422);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/closed",
                "http://169.254.169.254/latest/meta-data/",
                "http://[::1]/",
                "http://localhost/",
                "file:///etc/passwd"
            })
    void checksARedirectLikeARequest(String location) {
        TestingTarget.on("/closed", (exchange, received) -> TestingTarget.text(exchange, 200, "secret"));
        TestingTarget.on("/open/redirect", redirectTo(location));
        String url = TestingTarget.url("/open/redirect");

        Answer shown = ask(Map.of("method", "GET", "url", url));
        Answer followed = ask(Map.of("method", "GET", "url", url, "follow_redirects", true));

        assertThat(shown.body().path("status").asInt()).isEqualTo(302);
        assertThat(followed.text()).doesNotContain("secret");
        assertThat(followed.status() == 403 || followed.body().path("status").asInt() == 302)
                .isTrue();
        assertThat(TestingTarget.received("/closed")).isEmpty();
    }

    @Test
    void followsAnAllowedRedirectOnRequestAndNotForEver() {
        TestingTarget.on("/open/first", redirectTo("/open/second"));
        TestingTarget.on("/open/second", (exchange, received) -> TestingTarget.text(exchange, 200, "arrived"));
        TestingTarget.on("/open/loop", redirectTo("/open/loop"));

        Answer arrived =
                ask(Map.of("method", "GET", "url", TestingTarget.url("/open/first"), "follow_redirects", true));
        Answer loop = ask(Map.of("method", "GET", "url", TestingTarget.url("/open/loop"), "follow_redirects", true));

        assertThat(arrived.body().path("body").asString()).isEqualTo("arrived");
        assertThat(arrived.body().path("url").asString()).isEqualTo(TestingTarget.url("/open/second"));
        assertThat(loop.code()).isEqualTo("http_failed");
        assertThat(TestingTarget.received("/open/loop")).hasSize(6);
    }

    @Test
    void unpacksNoMoreOfAnAnswerThanTheLimit() throws IOException {
        byte[] bomb = gzip(50_000_000);
        TestingTarget.on("/open/bomb", (exchange, received) -> {
            exchange.getResponseHeaders().add("Content-Encoding", "gzip");
            TestingTarget.bytes(exchange, 200, bomb);
        });

        Answer answer = ask(Map.of("method", "GET", "url", TestingTarget.url("/open/bomb")));

        assertThat(answer.body().path("truncated").asBoolean()).isTrue();
        assertThat(answer.body().path("body").asString()).hasSize(2048);
    }

    @Test
    void returnsBytesThatAreNotTextInBase64() {
        TestingTarget.on(
                "/open/bytes",
                (exchange, received) -> TestingTarget.bytes(exchange, 200, new byte[] {(byte) 0xff, 0, 1}));

        Answer answer = ask(Map.of("method", "GET", "url", TestingTarget.url("/open/bytes")));

        assertThat(answer.body().path("body_base64").asString()).isEqualTo("/wAB");
        assertThat(answer.body().path("body").isNull()).isTrue();
    }

    @Test
    void makesARequestOnceForItsKeyAlsoAtOnce() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        TestingTarget.on("/open/once", (exchange, received) -> {
            arrived.countDown();
            await(go);
            TestingTarget.text(exchange, 200, "done");
        });
        String key = key();
        Map<String, Object> order = Map.of("method", "POST", "url", TestingTarget.url("/open/once"));

        CompletableFuture<Answer> first = CompletableFuture.supplyAsync(() -> ask(key, order));
        assertThat(arrived.await(5, TimeUnit.SECONDS)).isTrue();
        Answer meanwhile = ask(key, order);
        go.countDown();
        Answer again;
        Answer done = first.get(5, TimeUnit.SECONDS);
        again = ask(key, order);

        assertThat(meanwhile.status()).isEqualTo(503);
        assertThat(meanwhile.headers().firstValue("Retry-After")).isPresent();
        assertThat(done.status()).isEqualTo(200);
        assertThat(again.body()).isEqualTo(done.body());
        assertThat(TestingTarget.received("/open/once")).hasSize(1);
    }

    @Test
    void doesNotRepeatARequestWhoseOutcomeNobodyKnows() {
        TestingTarget.on("/open/hang", (exchange, received) -> await(new CountDownLatch(1)));
        String key = key();
        Map<String, Object> order = Map.of("method", "POST", "url", TestingTarget.url("/open/hang"));

        assertThat(ask(key, order).code()).isEqualTo("outcome_unknown");
        assertThat(ask(key, order).code()).isEqualTo("outcome_unknown");
        assertThat(TestingTarget.received("/open/hang")).hasSize(1);
        assertThat(TestingTarget.received("/open/hang").getFirst().method()).isEqualTo("POST");
    }

    @Test
    void mayAskAgainWhereAskingChangesNothing() {
        TestingTarget.on("/open/late", (exchange, received) -> {
            if (TestingTarget.received("/open/late").size() == 1) {
                await(new CountDownLatch(1));
            }
            TestingTarget.text(exchange, 200, "now");
        });
        String key = key();
        Map<String, Object> order = Map.of("method", "GET", "url", TestingTarget.url("/open/late"));

        assertThat(ask(key, order).code()).isEqualTo("http_failed");
        assertThat(ask(key, order).body().path("body").asString()).isEqualTo("now");
    }

    @Test
    void limitsRequestsOfASessionAMinute() {
        TestingTarget.on("/open/many", (exchange, received) -> TestingTarget.text(exchange, 200, "ok"));
        Map<String, Object> order = Map.of("method", "GET", "url", TestingTarget.url("/open/many"));

        List<Integer> statuses =
                IntStream.range(0, 31).mapToObj(i -> ask(order).status()).toList();

        assertThat(statuses.subList(0, 30)).containsOnly(200);
        assertThat(statuses.getLast()).isEqualTo(429);
    }

    @Test
    void injectsACredentialAndNeverShowsIt() {
        credential(
                "shown",
                "{'as': 'header', 'name': 'Authorization', 'prefix': 'Bearer '}",
                "GET|POST " + TestingTarget.url("/keyed/*"));
        TestingTarget.on("/keyed/echo", (exchange, received) -> {
            String authorization = received.headers().get("authorization");
            exchange.getResponseHeaders().add("X-Echo", authorization);
            exchange.getResponseHeaders().add("Set-Cookie", "login=1");
            exchange.getResponseHeaders().add("Location", "http://elsewhere.example/?token=" + SECRET);
            TestingTarget.text(
                    exchange,
                    302,
                    received.headers() + " "
                            + java.util.Base64.getEncoder().encodeToString(("x:" + SECRET).getBytes()));
        });

        Answer answer = ask(Map.of("method", "GET", "url", TestingTarget.url("/keyed/echo"), "credential", "shown"));

        assertThat(TestingTarget.received("/keyed/echo").getFirst().headers())
                .containsEntry("authorization", "Bearer " + SECRET);
        assertThat(answer.text())
                .contains("[credential]")
                .doesNotContain(SECRET)
                .doesNotContain("set-cookie");
        assertThat(world.jdbc()
                        .sql("select count(*) from http_requests where answer like '%' || :secret || '%'")
                        .param("secret", SECRET)
                        .query(Integer.class)
                        .single())
                .isZero();
    }

    @Test
    void leavesNoPieceOfACredentialAtTheCut() {
        credential("cut", "{'as': 'header', 'name': 'X-Key'}", "GET " + TestingTarget.url("/keyed/*"));
        TestingTarget.on(
                "/keyed/cut",
                (exchange, received) -> TestingTarget.text(exchange, 200, "x".repeat(2048 - 10) + SECRET + SECRET));

        Answer answer = ask(Map.of("method", "GET", "url", TestingTarget.url("/keyed/cut"), "credential", "cut"));

        assertThat(answer.body().path("truncated").asBoolean()).isTrue();
        assertThat(answer.body().path("body").asString())
                .endsWith("x[credentia")
                .doesNotContain(SECRET.substring(0, 6));
    }

    @Test
    void injectsAsBasicQueryAndSignature() {
        String rule = "GET|POST " + TestingTarget.url("/keyed/*");
        credential("basic", "{'as': 'basic', 'username': 'me'}", rule);
        credential("query", "{'as': 'query', 'name': 'api_key'}", rule);
        credential(
                "aws",
                "{'as': 'sigv4', 'access_key_id': 'AKIDEXAMPLE', 'region': 'eu-central-1', 'service': 'execute-api'}",
                rule);
        for (String name : List.of("basic", "query", "aws")) {
            TestingTarget.on(
                    "/keyed/" + name,
                    (exchange, received) -> TestingTarget.text(exchange, 200, received.uri() + received.headers()));
            Answer answer = ask(
                    Map.of("method", "GET", "url", TestingTarget.url("/keyed/" + name + "?q=1"), "credential", name));
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.text()).doesNotContain(SECRET).doesNotContain("Signature=");
        }

        assertThat(TestingTarget.received("/keyed/basic").getFirst().headers().get("authorization"))
                .isEqualTo("Basic " + java.util.Base64.getEncoder().encodeToString(("me:" + SECRET).getBytes()));
        assertThat(TestingTarget.received("/keyed/query").getFirst().uri()).contains("api_key=canary-5ecret-Value");
        assertThat(TestingTarget.received("/keyed/aws").getFirst().headers().get("authorization"))
                .matches(
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/[0-9]{8}/eu-central-1/execute-api/aws4_request, SignedHeaders=.*, Signature=[0-9a-f]{64}");
    }

    @Test
    void keepsACredentialToItsRulesAndItsTenant() {
        credential("narrow", "{'as': 'header', 'name': 'X-Key'}", "GET " + TestingTarget.url("/keyed/only"));
        Sandbox stranger = world.boot(world.session("ten_other", "rehearsal", World.DOLLAR), 1);
        TestingTarget.on("/open/x", (exchange, received) -> TestingTarget.text(exchange, 200, "ok"));
        TestingTarget.on("/keyed/only", redirectTo("/open/x"));

        assertThat(ask(Map.of("method", "GET", "url", TestingTarget.url("/open/x"), "credential", "narrow"))
                        .status())
                .isEqualTo(403);
        assertThat(ask(Map.of(
                                "method",
                                "GET",
                                "url",
                                TestingTarget.url("/keyed/only"),
                                "credential",
                                "narrow",
                                "follow_redirects",
                                true))
                        .status())
                .isEqualTo(403);
        Answer foreign = ask(
                stranger,
                key(),
                Map.of("method", "GET", "url", TestingTarget.url("/keyed/only"), "credential", "narrow"));
        Answer missing = ask(
                stranger,
                key(),
                Map.of("method", "GET", "url", TestingTarget.url("/keyed/only"), "credential", "missing"));
        assertThat(foreign.status()).isEqualTo(403);
        assertThat(foreign.body().path("detail").asString().replace("narrow", "missing"))
                .isEqualTo(missing.body().path("detail").asString());
        assertThat(TestingTarget.received("/open/x")).isEmpty();
    }

    @Test
    void aCredentialIsSetListedRotatedAndDeletedByOperatorsOnly() {
        credential("managed", "{'as': 'header', 'name': 'X-Key'}", "GET https://api.example.com/*");

        Answer listed = world.operator("GET", "/tenants/ten_test/credentials", null);
        assertThat(listed.text())
                .contains("managed")
                .contains("api.example.com")
                .doesNotContain(SECRET);
        assertThat(Http.call(
                                "GET",
                                world.internalOrigin() + "/internal/v1/operator/tenants/ten_test/credentials",
                                ControlPlaneTest.INTERNAL_TOKEN,
                                null)
                        .status())
                .isEqualTo(401);
        assertThat(Http.call(
                                "GET",
                                world.sandboxOrigin() + "/internal/v1/operator/tenants/ten_test/credentials",
                                ControlPlaneTest.OPERATOR_TOKEN,
                                null)
                        .status())
                .isEqualTo(404);
        assertThat(world.operator("POST", "/credentials/rotate", "{}").status()).isEqualTo(200);
        assertThat(world.operator("DELETE", "/tenants/ten_test/credentials/managed", null)
                        .status())
                .isEqualTo(204);
        assertThat(world.operator("DELETE", "/tenants/ten_test/credentials/managed", null)
                        .status())
                .isEqualTo(404);
    }

    @Test
    void refusesACredentialWithoutRulesOrWithABadOne() {
        for (String body : List.of(
                "{'value': 'long enough', 'injection': {'as': 'header', 'name': 'X'}}",
                "{'value': 'long enough', 'injection': {'as': 'header', 'name': 'X'}, 'allow': ['https://a.example/']}",
                "{'value': 'short', 'injection': {'as': 'header', 'name': 'X'}, 'allow': ['GET https://a.example/']}",
                "{'value': 'two\\nlines', 'injection': {'as': 'header', 'name': 'X'}, 'allow': ['GET https://a.example/']}",
                "{'value': 'long enough', 'allow': ['GET https://a.example/']}")) {
            Answer answer = world.operator("PUT", "/tenants/ten_test/credentials/bad", body);
            assertThat(answer.status()).as(body).isEqualTo(422);
            assertThat(answer.text()).doesNotContain("long enough");
        }
    }

    private void credential(String name, String injection, String rule) {
        Answer answer = world.operator(
                "PUT",
                "/tenants/ten_test/credentials/" + name,
                "{'value': '" + SECRET + "', 'injection': " + injection + ", 'allow': ['" + rule + "']}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(204);
    }

    private Answer ask(Map<String, Object> order) {
        return ask(key(), order);
    }

    private Answer ask(String key, Map<String, Object> order) {
        return ask(sandbox, key, order);
    }

    private static Answer ask(Sandbox sandbox, String key, Map<String, Object> order) {
        return Http.call(
                "POST",
                sandbox.origin() + "/sandbox/v1/http",
                sandbox.token(),
                Http.text(new HashMap<>(order)),
                "Idempotency-Key",
                key);
    }

    private static String key() {
        return UUID.randomUUID().toString();
    }

    private static TestingTarget.Handler redirectTo(String location) {
        return (exchange, received) -> {
            exchange.getResponseHeaders().add("Location", location);
            TestingTarget.text(exchange, 302, "moved");
        };
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(4, TimeUnit.SECONDS)) {
                throw new IllegalStateException("nobody waited for this answer");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static byte[] gzip(int zeros) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
            byte[] chunk = new byte[1_000_000];
            java.util.Arrays.fill(chunk, (byte) 'x');
            for (int i = 0; i < zeros / chunk.length; i++) {
                gzip.write(chunk);
            }
        }
        return packed.toByteArray();
    }
}
