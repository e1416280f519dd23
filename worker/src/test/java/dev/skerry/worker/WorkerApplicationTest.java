package dev.skerry.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.temporal.SearchAttributes;
import io.temporal.api.operatorservice.v1.AddSearchAttributesRequest;
import io.temporal.serviceclient.OperatorServiceStubs;
import io.temporal.serviceclient.OperatorServiceStubsOptions;
import io.temporal.testserver.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

class WorkerApplicationTest {
    @Test
    void startsOnANamespaceThatHasEveryAttribute() throws Exception {
        int port = freePort();
        try (var _ = TestServer.createPortBoundServer(port)) {
            register(port);
            try (ConfigurableApplicationContext worker = start("127.0.0.1:" + port)) {
                int http = ((WebServerApplicationContext) worker).getWebServer().getPort();
                assertThat(get(http, "/actuator/health")).contains("UP");
                assertThat(get(http, "/actuator/prometheus"))
                        .contains(
                                "jvm_threads_live_threads",
                                "skerry_metro_circuit",
                                "skerry_metro_free",
                                "skerry_metro_lost_total");
            }
        }
    }

    @Test
    void saysWhichSettingIsMissing() {
        assertThatThrownBy(() -> WorkerApplication.application()
                        .run("--server.port=0", "--skerry.installation=test", "--skerry.temporal.target=127.0.0.1:1"))
                .rootCause()
                .hasMessageContaining("skerry.worker.metros[0]");
    }

    @Test
    void servesTheMetrosThatItDiscovers() throws Exception {
        int port = freePort();
        HttpServer platform = platform("{\"status\":\"success\",\"data\":{\"metros\":["
                + "{\"iata_code\":\"FRA\",\"endpoint\":\"http://127.0.0.1:1/v1\"},"
                + "{\"iata_code\":\"DAL\",\"endpoint\":\"http://127.0.0.1:2/v1\"}]}}");
        try (var _ = TestServer.createPortBoundServer(port)) {
            register(port);
            try (ConfigurableApplicationContext worker = discovering(platform, "127.0.0.1:" + port)) {
                int http = ((WebServerApplicationContext) worker).getWebServer().getPort();
                assertThat(get(http, "/actuator/prometheus"))
                        .contains("skerry_metro_circuit{metro=\"fra\"}", "skerry_metro_circuit{metro=\"dal\"}");
            }
        } finally {
            platform.stop(0);
        }
    }

    @Test
    void saysWhatToDoWhenNoMetroCanBeDiscovered() throws Exception {
        HttpServer platform = platform("{\"status\":\"success\",\"data\":{\"metros\":[]}}");
        try {
            assertThatThrownBy(() -> discovering(platform, "127.0.0.1:1"))
                    .rootCause()
                    .hasMessageContaining("knows no metro");
        } finally {
            platform.stop(0);
        }
    }

    private static HttpServer platform(String metros) throws IOException {
        HttpServer platform = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
        platform.createContext("/v1/metros", exchange -> {
            byte[] body = metros.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        platform.start();
        return platform;
    }

    private static ConfigurableApplicationContext discovering(HttpServer platform, String temporal) {
        return WorkerApplication.application()
                .run(
                        "--server.port=0",
                        "--skerry.installation=test",
                        "--skerry.temporal.target=" + temporal,
                        "--skerry.worker.control-plane.url=http://127.0.0.1:1",
                        "--skerry.worker.control-plane.token=token",
                        "--skerry.worker.discovery.url=http://127.0.0.1:"
                                + platform.getAddress().getPort(),
                        "--skerry.worker.discovery.token=token",
                        "--skerry.worker.discovery.image=image");
    }

    @Test
    void doesNotStartWithoutTemporal() {
        assertThatThrownBy(() -> start("127.0.0.1:1")).hasStackTraceContaining("Check skerry.temporal.target");
    }

    static ConfigurableApplicationContext start(String temporal) {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--skerry.installation=test",
                "--skerry.temporal.target=" + temporal,
                "--skerry.worker.control-plane.url=http://127.0.0.1:1",
                "--skerry.worker.control-plane.token=token"));
        for (String setting : List.of("code=local", "url=http://127.0.0.1:1", "token=token", "image=image")) {
            arguments.add("--skerry.worker.metros[0]." + setting);
        }
        return WorkerApplication.application().run(arguments.toArray(String[]::new));
    }

    private static void register(int port) {
        OperatorServiceStubs operator = OperatorServiceStubs.newServiceStubs(OperatorServiceStubsOptions.newBuilder()
                .setTarget("127.0.0.1:" + port)
                .validateAndBuildWithDefaults());
        operator.blockingStub()
                .addSearchAttributes(AddSearchAttributesRequest.newBuilder()
                        .setNamespace("default")
                        .putAllSearchAttributes(SearchAttributes.TYPES)
                        .build());
        operator.shutdown();
    }

    private static String get(int port, String path) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                                .build(),
                        BodyHandlers.ofString())
                .body();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
