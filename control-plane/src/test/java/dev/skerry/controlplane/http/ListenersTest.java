package dev.skerry.controlplane.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class ListenersTest {
    @Autowired
    World world;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/internal/v1/sessions/ses_1/settle",
                "/actuator/health",
                "/actuator/prometheus",
                "/error",
                "/",
                "/sandbox/v1/..;/../internal/v1/sessions/ses_1/settle",
                "/sandbox/v1/;/internal/v1/sessions/ses_1/settle",
                "/sandbox/v1//state",
            })
    void servesNothingButSandboxCallsToSandboxes(String path) {
        Answer answer = Http.call("POST", world.sandboxOrigin() + path, ControlPlaneTest.INTERNAL_TOKEN, "{}");

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.code()).isEqualTo("not_found");
    }

    @Test
    void servesNothingButWorkerCallsToWorkers() {
        Sandbox sandbox = world.boot(world.session(), 1);

        assertThat(Http.call("GET", world.internalOrigin() + "/sandbox/v1/state", sandbox.token(), null)
                        .status())
                .isEqualTo(404);
        assertThat(Http.call("GET", world.internalOrigin() + "/actuator/health", ControlPlaneTest.INTERNAL_TOKEN, null)
                        .status())
                .isEqualTo(404);
    }

    @Test
    void refusesAWorkerWithoutTheToken() {
        String url = world.internalOrigin() + "/internal/v1/sessions/" + world.session() + "/settle";

        assertThat(Http.call("POST", url, null, "{}").status()).isEqualTo(401);
        assertThat(Http.call("POST", url, "internal-token-of-nobody", "{}").status())
                .isEqualTo(401);
        assertThat(Http.call("POST", url, ControlPlaneTest.INTERNAL_TOKEN, "{}").status())
                .isEqualTo(422);
    }

    @Test
    void showsHealthAndMetricsToOperatorsOnly() {
        assertThat(Http.call("GET", world.managementOrigin() + "/actuator/health", null, null)
                        .status())
                .isEqualTo(200);
        assertThat(Http.call("GET", world.managementOrigin() + "/actuator/prometheus", null, null)
                        .text())
                .contains("jvm_memory_used_bytes");
        assertThat(Http.call("POST", world.managementOrigin() + "/sandbox/v1/hello", null, "{}")
                        .status())
                .isEqualTo(404);
    }

    @Test
    void echoesTheRequestIdAndNamesItInProblems() {
        Answer answer =
                Http.call("GET", world.sandboxOrigin() + "/sandbox/v1/state", null, null, "X-Request-ID", "req-7");

        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.headers().firstValue("X-Request-ID")).hasValue("req-7");
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(answer.body().path("request_id").asString()).isEqualTo("req-7");
    }

    @Test
    void refusesABodyThatIsTooLarge() {
        Sandbox sandbox = world.boot(world.session(), 1);

        Answer answer = sandbox.post("/llm", "{'turn': '" + "x".repeat(5_000_000) + "'}");

        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.code()).isEqualTo("too_large");
    }

    @Test
    void saysWhatIsWrongWithABodyWithoutRepeatingIt() {
        Sandbox sandbox = world.boot(world.session(), 1);

        Answer answer = sandbox.post("/heartbeat", "{'turn': [unreadable-secret");

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.code()).isEqualTo("invalid_request");
        assertThat(answer.text()).doesNotContain("unreadable-secret").doesNotContain("Exception");
    }
}
