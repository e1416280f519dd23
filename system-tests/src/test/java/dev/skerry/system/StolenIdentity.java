package dev.skerry.system;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Somebody who read a sandbox's environment and speaks to the control plane in its name. */
record StolenIdentity(String bootToken, String controlPlane) {
    static final String SESSION_TOKEN = "a-session-token-that-a-test-knows";

    /** The first of these processes whose environment can be read. */
    static StolenIdentity from(List<String> processes) throws IOException {
        for (String process : processes) {
            Path environ = Path.of("/proc", process.substring(0, process.indexOf(' ')), "environ");
            Map<String, String> environment = Stream.of(Files.readString(environ, StandardCharsets.ISO_8859_1)
                            .split("\0", -1))
                    .filter(each -> each.contains("="))
                    .map(each -> each.split("=", 2))
                    .collect(Collectors.toMap(each -> each[0], each -> each[1], (first, _) -> first));
            if (environment.containsKey("SESSION_TOKEN")) {
                return new StolenIdentity(environment.get("SESSION_TOKEN"), environment.get("CONTROL_PLANE_URL"));
            }
        }
        throw new AssertionError("no sandbox shows its environment: " + processes);
    }

    /** Another hello with the stolen boot token; answers status and code of the refusal. */
    String hello() throws IOException, InterruptedException {
        return send(request("hello", bootToken)
                .POST(HttpRequest.BodyPublishers.ofString("""
                        {"nonce": "00112233445566778899aabbccddeeff", "runtime_version": "0", "driver": "plain", "probes": []}
                        """))
                .build());
    }

    /** Asks for the state with a session token whose hash a test has put into the database. */
    String state() throws IOException, InterruptedException {
        return send(request("state", SESSION_TOKEN).GET().build());
    }

    private HttpRequest.Builder request(String route, String token) {
        return HttpRequest.newBuilder(URI.create(controlPlane + "/sandbox/v1/" + route))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json");
    }

    private static String send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body().replaceAll("(?s).*\"code\"\\s*:\\s*\"(\\w+)\".*", "$1");
    }
}
