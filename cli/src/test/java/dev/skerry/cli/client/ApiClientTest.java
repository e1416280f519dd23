package dev.skerry.cli.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import java.util.Map;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.junit5.StartStop;
import org.junit.jupiter.api.Test;

class ApiClientTest {
    @StartStop
    private final MockWebServer server = new MockWebServer();

    @Test
    void waitsForAServerThatIsAwayForAMoment() throws Exception {
        server.enqueue(problem(503, "unavailable"));
        server.enqueue(problem(503, "unavailable"));
        server.enqueue(json(202, "{\"status\": \"terminating\"}"));

        assertThat(client().delete("sessions/ses_1").path("status").asString()).isEqualTo("terminating");

        assertThat(server.getRequestCount()).isEqualTo(3);
    }

    @Test
    void repeatsAPostUnderTheSameKey() throws Exception {
        server.enqueue(problem(409, "in_flight"));
        server.enqueue(json(201, "{\"id\": \"ses_1\"}"));

        client().post("sessions", Map.of("message", "hello"));

        RecordedRequest first = server.takeRequest();
        RecordedRequest second = server.takeRequest();
        assertThat(first.getHeaders().get("Idempotency-Key"))
                .isNotBlank()
                .isEqualTo(second.getHeaders().get("Idempotency-Key"));
    }

    @Test
    void asksOnceWhenTheAnswerIsNo() {
        server.enqueue(problem(404, "not_found"));

        assertThatExceptionOfType(ApiProblem.class)
                .isThrownBy(() -> client().get("sessions/ses_1"))
                .matches(refusal -> refusal.status() == 404)
                .withMessageContaining("not_found in words");

        assertThat(server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void saysThatSomethingElseAnswers() {
        server.enqueue(json(500, "<html>"));

        assertThatExceptionOfType(Failure.class)
                .isThrownBy(() -> client().get("sessions"))
                .matches(failure -> failure.exitCode() == ExitCode.NO_STACK)
                .withMessageContaining("is not a Skerry API");
    }

    @Test
    void sendsTheKeyAndFollowsNoRedirectWithIt() throws Exception {
        server.enqueue(new MockResponse.Builder()
                .code(307)
                .addHeader("Location", "http://127.0.0.1:1/")
                .build());

        assertThatExceptionOfType(Failure.class).isThrownBy(() -> client().get("sessions"));

        assertThat(server.takeRequest().getHeaders().get("Authorization")).isEqualTo("Bearer sk_skerry_test");
        assertThat(server.getRequestCount()).isEqualTo(1);
    }

    private ApiClient client() {
        return new ApiClient(ApiClient.url(server.url("/").toString()), "sk_skerry_test");
    }

    private static MockResponse problem(int status, String code) {
        return json(
                status,
                "{\"status\": " + status + ", \"code\": \"" + code + "\", \"detail\": \"" + code + " in words\"}");
    }

    private static MockResponse json(int status, String body) {
        return new MockResponse.Builder()
                .code(status)
                .addHeader("Retry-After", "0")
                .body(body)
                .build();
    }
}
