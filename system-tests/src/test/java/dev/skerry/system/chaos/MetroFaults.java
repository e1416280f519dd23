package dev.skerry.system.chaos;

import dev.skerry.system.Ports;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The port through which a metro is told to misbehave. */
final class MetroFaults {
    private static final String TOKEN = "faults-token-of-a-system-test";

    private static final Duration STARTS_WITHIN = Duration.ofSeconds(60);

    private final JsonMapper json = JsonMapper.builder().build();
    private final HttpClient http = HttpClient.newHttpClient();
    private final String code;
    private final int port;
    private final URI url;

    MetroFaults(String code, int port) {
        this.code = code;
        this.port = port;
        this.url = URI.create("http://127.0.0.1:" + port + "/v1/faults");
    }

    /** What sessions call the metro. */
    String code() {
        return code;
    }

    /** What a metro is started with that is to listen here. */
    Map<String, String> settings(long seed) {
        return Map.of(
                "SKERRY_METRO_FAULTS_TOKEN",
                TOKEN,
                "SKERRY_METRO_FAULTS_PORT",
                Integer.toString(port),
                "SKERRY_METRO_FAULTS_SEED",
                Long.toString(seed));
    }

    /** A metro that starts answers its callers a little before it takes orders here. */
    void awaitListening() {
        Ports.awaitListening(port, STARTS_WITHIN);
    }

    /** Answers the id under which the rule is known. */
    String arm(Map<String, ?> rule) throws IOException, InterruptedException {
        JsonNode rules = call("POST", "", json.writeValueAsString(rule)).path("rules");
        return rules.get(rules.size() - 1).path("id").asString();
    }

    /** How often these rules have struck. */
    int struck(List<String> ids) throws IOException, InterruptedException {
        return call("GET", "", "")
                .path("rules")
                .valueStream()
                .filter(rule -> ids.contains(rule.path("id").asString()))
                .mapToInt(rule -> rule.path("fired").asInt())
                .sum();
    }

    void disarm(List<String> ids) throws IOException, InterruptedException {
        for (String id : ids) {
            call("DELETE", "/" + id, "");
        }
    }

    void disarm() throws IOException, InterruptedException {
        call("DELETE", "", "");
    }

    private JsonNode call(String method, String which, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + which))
                .method(method, BodyPublishers.ofString(body))
                .timeout(Duration.ofSeconds(10))
                .header("Authorization", "Bearer " + TOKEN)
                .build();
        var answer = http.send(request, BodyHandlers.ofString());
        if (answer.statusCode() != 200 && answer.statusCode() != 404) {
            throw new AssertionError("The metro's fault port refused " + body + ": " + answer.body());
        }
        return json.readTree(answer.body());
    }
}
