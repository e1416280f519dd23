package dev.skerry.system.chaos;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The public API as a careful client uses it: every request is repeated, with the same key, until it is answered for good. */
final class PublicApi {
    private static final Duration ONE_TRY = Duration.ofSeconds(30);
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final Duration PAUSE = Duration.ofMillis(300);
    private static final int INTERNAL = 500;

    private final JsonMapper json = JsonMapper.builder().build();
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final Queue<String> internalErrors = new ConcurrentLinkedQueue<>();
    private final URI base;
    private final String key;

    PublicApi(URI base, String key) {
        this.base = base;
        this.key = key;
    }

    record Answer(int status, JsonNode body) {
        boolean accepted() {
            return status / 100 == 2;
        }
    }

    Answer post(String path, Map<String, ?> body) {
        return persist("POST", path, BodyPublishers.ofString(json.writeValueAsString(body)));
    }

    Answer delete(String path) {
        return persist("DELETE", path, BodyPublishers.noBody());
    }

    Answer get(String path) {
        return persist("GET", path, BodyPublishers.noBody());
    }

    /** Answers that no outage explains. */
    List<String> internalErrors() {
        return List.copyOf(internalErrors);
    }

    private Answer persist(String method, String path, BodyPublisher body) {
        HttpRequest request = HttpRequest.newBuilder(base.resolve(path))
                .method(method, body)
                .timeout(ONE_TRY)
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", UUID.randomUUID().toString())
                .build();
        Instant deadline = Instant.now().plus(PATIENCE);
        String last = "";
        while (Instant.now().isBefore(deadline)) {
            try {
                HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
                last = answer.statusCode() + " " + answer.body();
                if (answer.statusCode() == INTERNAL) {
                    internalErrors.add(method + " " + path + ": " + last);
                }
                if (!mayBeRepeated(answer)) {
                    return new Answer(
                            answer.statusCode(), json.readTree(answer.body().isEmpty() ? "null" : answer.body()));
                }
            } catch (IOException e) {
                last = e.toString();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
            Pace.pause(PAUSE);
        }
        throw new AssertionError(method + " " + path + " was not answered for " + PATIENCE + "; last: " + last);
    }

    private static boolean mayBeRepeated(HttpResponse<String> answer) {
        return answer.statusCode() >= INTERNAL
                || answer.statusCode() == 429
                || (answer.statusCode() == 409 && answer.body().contains("\"in_flight\""));
    }
}
