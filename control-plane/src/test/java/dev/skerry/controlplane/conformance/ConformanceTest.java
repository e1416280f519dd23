package dev.skerry.controlplane.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneProcess;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.World;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Messages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.env.Environment;
import tools.jackson.databind.JsonNode;

@ControlPlaneTest
class ConformanceTest {
    @Autowired
    World world;

    @Autowired
    Messages messages;

    @Autowired
    Incarnations incarnations;

    @Autowired
    Environment environment;

    @Test
    void everyCaseOfTheSuiteHolds() throws Exception {
        int targetPort = ControlPlaneProcess.freePort();
        try (ControlPlaneProcess plane = ControlPlaneProcess.start(environment, settings(targetPort));
                Harness harness = new Harness(world, messages, incarnations, plane, targetPort)) {
            List<String> wrong = new ArrayList<>();
            JsonNode results = run(harness.url());
            results.forEach(result -> {
                if (!result.path("result").asString("").equals("holds")) {
                    wrong.add(result.toPrettyString());
                }
            });

            assertThat(wrong).isEmpty();
            assertThat(results.size()).isGreaterThan(35);
        }
    }

    private static Map<String, Object> settings(int targetPort) {
        String target = "127.0.0.1:" + targetPort;
        return Map.of(
                "skerry.control-plane.http.allow", List.of("GET|POST http://" + target + "/*"),
                "skerry.control-plane.http.allow-private", List.of(target));
    }

    private static JsonNode run(String harness) throws Exception {
        Path results = Files.createTempFile("conformance", ".json");
        Process runner = new ProcessBuilder(
                        "python3", "-B", "../sandbox-image/conformance/run.py", "--json", "--harness", harness)
                .redirectOutput(results.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        runner.waitFor();
        JsonNode read = Http.tree(Files.readString(results));
        Files.delete(results);
        return read;
    }
}
