package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.api.key.ApiKey;
import java.security.SecureRandom;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

class AccessTest {
    private static final Set<String> OPEN = Set.of("GET /healthz", "GET /readyz", "GET /openapi.json");

    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();

    @Test
    void everythingOfAnotherTenantDoesNotExist() {
        TestingClient.Answer created = client.post("/v1/sessions", "{\"message\":\"Hello\"}");
        TestingClient other = api.otherTenant();
        List<String> routes =
                routes().stream().filter(route -> route.contains("{id}")).toList();
        assertThat(routes).hasSizeGreaterThanOrEqualTo(12);
        for (String route : routes) {
            TestingClient.Answer refused = call(other, route, created.at("/id"), created.at("/turn/id"));
            assertThat(refused.status()).as(route).isEqualTo(404);
            assertThat(refused.at("/code")).as(route).isEqualTo("not_found");
            TestingClient.Answer unknown = call(other, route, "ses_00000000000000000000000000", created.at("/turn/id"));
            assertThat(unknown.at("/detail")).as(route).isEqualTo(refused.at("/detail"));
        }
        assertThat(other.get("/v1/sessions").json().at("/data")).isEmpty();
        assertThat(client.get("/v1/sessions/" + created.at("/id")).at("/status"))
                .isEqualTo("provisioning");
        assertThat(RecordingWorkflow.asked(created.at("/id"))).hasSize(1);
    }

    @Test
    void nothingButHealthIsOpenToAStranger() {
        TestingClient stranger = new TestingClient(api.port(), "");
        for (String route : routes()) {
            int status = call(stranger, route, "ses_00000000000000000000000000", "trn_1")
                    .status();
            if (OPEN.contains(route)) {
                assertThat(status).as(route).isNotEqualTo(401);
            } else {
                assertThat(status).as(route).isEqualTo(401);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sk_skerry_", "sk_skerry_AAAA", "Basic", "", " "})
    void refusesWhatIsNoKey(String key) {
        assertRefused(new TestingClient(api.port(), key + "x"));
    }

    @Test
    void refusesAWellFormedKeyThatNobodyHas() {
        assertRefused(new TestingClient(
                api.port(), ApiKey.generate(new SecureRandom()).reveal()));
    }

    @Test
    void echoesAHarmlessRequestIdAndReplacesAnyOther() {
        assertThat(client.get("/v1/sessions/x", "X-Request-ID", "my-1").at("/request_id"))
                .isEqualTo("my-1");
        assertThat(client.get("/healthz", "X-Request-ID", "my-1").header("X-Request-ID"))
                .isEqualTo("my-1");
        assertThat(client.get("/healthz", "X-Request-ID", "<script>").header("X-Request-ID"))
                .startsWith("req_");
    }

    @Test
    void answersUnknownPathsAndMethodsWithProblems() {
        assertThat(client.get("/v1/nothing").at("/code")).isEqualTo("not_found");
        assertThat(client.get("/").at("/code")).isEqualTo("not_found");
        assertThat(client.send("PUT", "/v1/sessions", "{}").at("/code")).isEqualTo("method_not_allowed");
        assertThat(client.get("/actuator/health").status()).isEqualTo(404);
        assertThat(client.get("/metrics").status()).isEqualTo(404);
    }

    @Test
    void theDescriptionNamesEveryRoute() {
        TestingClient.Answer description = new TestingClient(api.port(), "").get("/openapi.json");
        assertThat(description.at("/openapi")).startsWith("3.1");
        for (String route : routes()) {
            if (route.contains("openapi")) {
                continue;
            }
            String[] parts = route.split(" ");
            assertThat(description.json().at("/paths").path(parts[1].replace("{*path}", "{path}")))
                    .as(route)
                    .anyMatch(operation -> true);
        }
        assertThat(description
                        .json()
                        .at("/components/schemas/SessionView/properties")
                        .propertyNames())
                .contains("cost_usd", "created_at", "model_is_rehearsal");
        assertThat(description.text()).doesNotContain("costUsd").doesNotContain("\"tenant\"");
    }

    private void assertRefused(TestingClient stranger) {
        TestingClient.Answer refused = stranger.get("/v1/sessions");
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.at("/code")).isEqualTo("unauthorized");
        assertThat(refused.header("WWW-Authenticate")).isEqualTo("Bearer");
    }

    private Set<String> routes() {
        Set<String> routes = new TreeSet<>();
        api.handlers(RequestMappingHandlerMapping.class, "requestMappingHandlerMapping")
                .getHandlerMethods()
                .forEach((mapping, method) -> mapping.getMethodsCondition()
                        .getMethods()
                        .forEach(verb -> mapping.getPatternValues().forEach(path -> routes.add(verb + " " + path))));
        return routes;
    }

    private static TestingClient.Answer call(TestingClient caller, String route, String session, String turn) {
        String[] parts = route.split(" ");
        String path = parts[1].replace("{id}", session).replace("{turn}", turn).replace("{*path}", "haiku.txt");
        return caller.send(
                parts[0],
                path,
                switch (route) {
                    case "POST /v1/sessions", "POST /v1/sessions/{id}/messages" -> "{\"text\":\"Hello\"}";
                    case "PATCH /v1/sessions/{id}" -> "{\"budget\":{\"max_cost_usd\":2}}";
                    default -> null;
                });
    }
}
