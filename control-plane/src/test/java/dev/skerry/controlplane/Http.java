package dev.skerry.controlplane;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/** Calls the control plane over real connections. */
public final class Http {
    static final JsonMapper JSON = new JsonMapper();
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    private Http() {}

    /** An answer; {@code body} is missing when it is not JSON. */
    public record Answer(int status, JsonNode body, String text, HttpHeaders headers) {
        public String code() {
            return body.path("code").asString("");
        }
    }

    public static Answer call(String method, String url, String bearer, String json, String... headers) {
        return send(request(url, bearer, headers)
                .method(
                        method,
                        json == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    public static Answer put(String url, byte[] bytes) {
        return send(request(url, null)
                .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes))
                .build());
    }

    public static String text(Object value) {
        return JSON.writeValueAsString(value);
    }

    public static JsonNode tree(String json) {
        return JSON.readTree(json);
    }

    static HttpRequest.Builder request(String url, String bearer, String... headers) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30));
        builder.header("Content-Type", "application/json");
        if (bearer != null) {
            builder.header("Authorization", "Bearer " + bearer);
        }
        if (headers.length > 0) {
            builder.headers(headers);
        }
        return builder;
    }

    private static Answer send(HttpRequest request) {
        try {
            HttpResponse<String> response = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
            String type = response.headers().firstValue("Content-Type").orElse("");
            JsonNode body = type.contains("json") ? JSON.readTree(response.body()) : MissingNode.getInstance();
            return new Answer(response.statusCode(), body, response.body(), response.headers());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
