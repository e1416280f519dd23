package dev.skerry.system;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.GZIPInputStream;

/** Takes spans as an OpenTelemetry collector does: protobuf by HTTP, in which ids and names stand as they are. */
final class TestingCollector implements AutoCloseable {
    private final HttpServer server;
    private final List<String> batches = new CopyOnWriteArrayList<>();

    private TestingCollector(HttpServer server) {
        this.server = server;
    }

    static TestingCollector start() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        TestingCollector collector = new TestingCollector(server);
        server.createContext("/v1/traces", exchange -> {
            byte[] body = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"))
                    ? new GZIPInputStream(exchange.getRequestBody()).readAllBytes()
                    : exchange.getRequestBody().readAllBytes();
            collector.batches.add(new String(body, StandardCharsets.ISO_8859_1));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        return collector;
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Whether a role has sent a span of a name in a trace; both may stand in different spans of one batch. */
    boolean has(String role, String name, String traceId) {
        String raw = new String(HexFormat.of().parseHex(traceId), StandardCharsets.ISO_8859_1);
        return batches.stream().anyMatch(batch -> batch.contains(role) && batch.contains(name) && batch.contains(raw));
    }

    String everything() {
        return String.join("\n", batches);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
