package dev.skerry.system;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A stack that {@code skerry up} keeps on this machine, in a directory of its own. */
final class LocalStack implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(90);
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final Duration EVENT = Duration.ofSeconds(90);

    private final Path directory;
    private final Process process;
    private final Path log;

    private LocalStack(Path directory, Process process, Path log) {
        this.directory = directory;
        this.process = process;
        this.log = log;
    }

    static LocalStack up(Path directory, String... arguments) throws IOException {
        return up(directory, Map.of(), arguments);
    }

    static LocalStack up(Path directory, Map<String, String> more, String... arguments) throws IOException {
        Path log = Files.createTempFile(directory, "up", ".log");
        String[] command = new String[arguments.length + 2];
        command[0] = "up";
        command[1] = "--offline";
        System.arraycopy(arguments, 0, command, 2, arguments.length);
        Map<String, String> environment = environment(directory);
        environment.putAll(more);
        LocalStack stack = new LocalStack(directory, Command.start(directory, log, environment, command), log);
        stack.awaitSaying("Ctrl-C stops everything.");
        return stack;
    }

    static Map<String, String> environment(Path directory) {
        return new HashMap<>(Map.of("SKERRY_HOME", directory.resolve("home").toString()));
    }

    /** Waits until {@code skerry up} has printed this. */
    void awaitSaying(String text) {
        Awaitility.await().atMost(START).until(() -> {
            if (!process.isAlive() && !said().contains(text)) {
                throw new AssertionError("skerry up ended with " + process.exitValue() + ":\n" + said());
            }
            return said().contains(text);
        });
    }

    String said() throws IOException {
        return Files.readString(log);
    }

    Command.Result skerry(String... arguments) throws IOException, InterruptedException {
        return Command.run(directory, environment(directory), arguments);
    }

    /** What the API answers to a GET, or to a POST when there is a body. */
    JsonNode ask(String path, String... body) throws IOException, InterruptedException {
        String url = said().lines()
                .filter(line -> line.startsWith("API   "))
                .map(line -> line.substring("API ".length()).strip())
                .findFirst()
                .orElseThrow();
        String key = Files.readString(directory.resolve("home/api-key")).strip();
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/v1/" + path))
                .timeout(ANSWER)
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json");
        for (String each : body) {
            request.POST(HttpRequest.BodyPublishers.ofString(each));
        }
        try (HttpClient client = HttpClient.newHttpClient()) {
            return JSON.readTree(
                    client.send(request.build(), BodyHandlers.ofString()).body());
        }
    }

    /** The session's events so far, once there is one of this type. */
    List<JsonNode> awaitEvent(String session, String type) {
        return Awaitility.await()
                .atMost(EVENT)
                .pollInterval(Duration.ofMillis(250))
                .until(
                        () -> ask("sessions/" + session + "/events")
                                .path("data")
                                .valueStream()
                                .toList(),
                        events -> events.stream().anyMatch(event -> isOf(event, type)));
    }

    static boolean isOf(JsonNode event, String type) {
        return event.path("type").asString("").equals(type);
    }

    /** As a crash would: nothing of it gets a chance to clear up. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    int awaitEnd() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new AssertionError("skerry up does not end");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.onExit().orTimeout(60, TimeUnit.SECONDS).join();
        } catch (CompletionException e) {
            process.destroyForcibly();
        }
    }
}
