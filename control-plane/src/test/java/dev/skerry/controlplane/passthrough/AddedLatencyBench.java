package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.TestPropertySource;

/**
 * What the gateway adds to a model call at one call at a time, with everything on: each call once directly and once through it, in turn.
 *
 * <p>Run it with {@code ./mvnw -pl control-plane -am test -Dtest=AddedLatencyBench -Dskerry.bench=true
 * -Dsurefire.failIfNoSpecifiedTests=false}; it prints a table.
 */
@ControlPlaneTest
@TestPropertySource(
        properties = {
            "skerry.control-plane.limits.session-rate=1000000",
            "skerry.control-plane.limits.tenant-rate=1000000",
        })
@EnabledIfSystemProperty(named = "skerry.bench", matches = "true", disabledReason = "a benchmark: -Dskerry.bench=true")
class AddedLatencyBench {
    private static final int WARM_UP = 12_000;
    private static final int CALLS = 2000;
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @Autowired
    World world;

    @Test
    void measuresWhatIsAddedAtOneCallAtATime() throws Exception {
        Sandbox sandbox = world.boot(world.session("rehearsal", 1_000 * World.DOLLAR), 1);
        world.give(sandbox, world.turn(sandbox.session(), "Go on."));
        String body = ("{'model':'" + TestingModels.OPENAI_MODEL
                        + "','stream':true,'stream_options':{'include_usage':true},'max_tokens':100,'messages':[{'role':'user','content':'Hi'}]}")
                .replace('\'', '"');
        HttpRequest direct = request(TestingModels.origin() + "/v1/chat/completions", "none", body);
        HttpRequest through =
                request(sandbox.origin() + "/sandbox/v1/llm/openai/v1/chat/completions", sandbox.token(), body);
        for (int i = 0; i < WARM_UP; i++) {
            time(direct);
            time(through);
        }
        double[] directly = new double[CALLS];
        double[] passed = new double[CALLS];
        for (int i = 0; i < CALLS; i++) {
            directly[i] = time(direct);
            passed[i] = time(through);
        }
        Arrays.sort(directly);
        Arrays.sort(passed);
        System.out.printf("%n| ms per call, c=1, %d calls | p50 | p95 | p99 |%n|---|---|---|---|%n", CALLS);
        print("direct", directly);
        print("through the gateway", passed);
        System.out.printf(
                "| added | %.2f | %.2f | %.2f |%n%n",
                at(passed, 50) - at(directly, 50),
                at(passed, 95) - at(directly, 95),
                at(passed, 99) - at(directly, 99));
    }

    private static void print(String name, double[] sorted) {
        System.out.printf("| %s | %.2f | %.2f | %.2f |%n", name, at(sorted, 50), at(sorted, 95), at(sorted, 99));
    }

    private static double at(double[] sorted, int percentile) {
        return sorted[sorted.length * percentile / 100];
    }

    private static double time(HttpRequest request) throws IOException, InterruptedException {
        long start = System.nanoTime();
        HttpResponse<String> answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
        double took = (System.nanoTime() - start) / 1e6;
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(answer.statusCode() + " " + answer.body());
        }
        return took;
    }

    private static HttpRequest request(String url, String bearer, String body) {
        return HttpRequest.newBuilder(URI.create(url))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + bearer)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }
}
