package dev.skerry.metro;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A metro of plain processes, and a caller who holds its token. */
final class TestingMetro implements AutoCloseable {
    static final String TOKEN = "token-of-a-test";
    private static final Map<String, Image> IMAGES = Map.of(
            "test/sleeper:1",
            shell("echo up $GREETING; while :; do sleep 0.05; done"),
            "test/counter:1",
            shell("n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done"),
            "test/ending:1",
            shell("echo bye; exit 3"),
            "test/noisy:1",
            shell("while :; do head -c 1000000 /dev/zero | tr '\\0' x; sleep 0.02; done"));

    private final MetroServer server;
    private final JsonMapper json = JsonMapper.builder().build();
    private final HttpClient http = HttpClient.newHttpClient();

    private TestingMetro(MetroServer server) {
        this.server = server;
    }

    private static Image shell(String script) {
        return new Image.Program(List.of("/bin/sh", "-c", script), List.of());
    }

    static TestingMetro start(Path directory) {
        return start(directory, configuration -> configuration);
    }

    static TestingMetro start(Path directory, UnaryOperator<MetroConfiguration> change) {
        try {
            return new TestingMetro(MetroServer.start(change.apply(MetroConfiguration.local(TOKEN, directory, IMAGES)
                    .withDriver(new DriverSettings.Processes(Isolation.PLAIN)))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    MetroServer server() {
        return server;
    }

    /** An answer with its body as JSON, or as a string where it is none. */
    record Answer(int status, JsonNode body, String text) {
        JsonNode item() {
            return items().get(0);
        }

        JsonNode items() {
            return body.path("data").path("instances");
        }

        String envelope() {
            return body.path("status").asString("");
        }
    }

    Answer call(String method, String path) {
        return call(method, path, "");
    }

    Answer call(String method, String path, String body) {
        return send(server.port(), TOKEN, method, path, body);
    }

    Answer admin(String token, String method, String path, String body) {
        return send(server.faultPort(), token, method, path, body);
    }

    Answer send(int port, String token, String method, String path, String body) {
        try {
            HttpResponse<String> response = http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .header("Authorization", "Bearer " + token)
                            .header("Accept", "application/json")
                            .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                            .build(),
                    BodyHandlers.ofString());
            return new Answer(response.statusCode(), parsed(response.body()), response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private JsonNode parsed(String body) {
        try {
            return json.readTree(body);
        } catch (RuntimeException e) {
            return json.createObjectNode();
        }
    }

    /** Creates one with the given further members, started, and waits until it runs. */
    JsonNode running(String name, String more) {
        return call(
                        "POST",
                        "/v1/instances",
                        "{\"name\":\"" + name + "\",\"image\":\"test/sleeper:1\",\"autostart\":true,\"timeout_s\":10"
                                + (more.isEmpty() ? "" : "," + more) + "}")
                .item();
    }

    JsonNode read(String name) {
        return call("GET", "/v1/instances?details=true&name=" + name).item();
    }

    String awaitState(String name, String state) {
        return call(
                        "GET",
                        "/v1/instances/wait",
                        "[{\"name\":\"" + name + "\",\"state\":\"" + state + "\",\"timeout_s\":10}]")
                .item()
                .path("state")
                .asString("");
    }

    @Override
    public void close() {
        server.close();
    }
}
