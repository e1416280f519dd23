package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.temporal.client.WorkflowClient;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two metros, one of which placement prefers and nobody is at home behind its edge. */
class TwoMetrosTest {
    @TempDir
    private static Path directory;

    @Test
    void aSessionLandsOnTheOtherMetroAndItsHistorySaysWhy() throws Exception {
        HttpServer edge = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        edge.createContext("/", exchange -> {
            byte[] page = "<html><center>503 openresty</center></html>".getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/html");
            exchange.sendResponseHeaders(503, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        });
        edge.start();
        Map<String, String> storm = Map.of(
                "SKERRY_WORKER_METROS_1_CODE", "storm",
                "SKERRY_WORKER_METROS_1_URL",
                        "http://127.0.0.1:" + edge.getAddress().getPort(),
                "SKERRY_WORKER_METROS_1_TOKEN", Installation.METRO_TOKEN,
                "SKERRY_WORKER_METROS_1_IMAGE", "skerry/sandbox:local",
                "SKERRY_WORKER_METROS_1_WEIGHT", "1000000");
        try (Installation installation = Installation.start(directory, storm)) {
            Command.Result run = installation.skerry("run", "Write a haiku into haiku.txt and show me the file");
            assertThat(run.exitCode()).as(run.output()).isZero();
            Matcher session = Pattern.compile("ses_[0-9A-Z]{26}").matcher(run.output());
            assertThat(session.find()).as(run.output()).isTrue();

            WorkflowClient temporal = installation.temporalClient();
            String history = temporal.fetchHistory(session.group()).toJson(true);
            temporal.getWorkflowServiceStubs().shutdown();
            assertThat(history)
                    .contains("skerry-metro-storm", "Metro storm answered read with HTTP 503", "skerry-metro-local");
            assertThat(installation.query(
                            "select state from incarnations where session_id = '" + session.group() + "'"))
                    .containsExactly("closed", "closed");
            assertThat(installation.metroInstances()).contains("\"instances\":[]");
        } finally {
            edge.stop(0);
        }
    }
}
