package dev.skerry.controlplane;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;

/** A server on this machine that plays the internet, one for each test process; answers what a test says for a path. */
public final class TestingTarget {
    private static final Map<String, Handler> HANDLERS = new ConcurrentHashMap<>();
    private static final Map<String, List<Received>> RECEIVED = new ConcurrentHashMap<>();
    private static final HttpServer SERVER = start();

    private TestingTarget() {}

    /** Writes an answer. */
    public interface Handler {
        void handle(HttpExchange exchange, Received received) throws IOException;
    }

    /** One request as it arrived; header names in lower case. */
    public record Received(String method, String uri, Map<String, String> headers, String body) {}

    public static int port() {
        return SERVER.getAddress().getPort();
    }

    public static String url(String path) {
        return "http://127.0.0.1:" + port() + path;
    }

    public static void on(String path, Handler handler) {
        HANDLERS.put(path, handler);
        RECEIVED.remove(path);
    }

    public static List<Received> received(String path) {
        return RECEIVED.getOrDefault(path, List.of());
    }

    public static void text(HttpExchange exchange, int status, String text) throws IOException {
        bytes(exchange, status, text.getBytes(StandardCharsets.UTF_8));
    }

    public static void bytes(HttpExchange exchange, int status, byte[] bytes) throws IOException {
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (!exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseBody().write(bytes);
        }
    }

    private static HttpServer start() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext("/", TestingTarget::handle);
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Map<String, String> headers = new ConcurrentHashMap<>();
            exchange.getRequestHeaders()
                    .forEach((name, values) -> headers.put(name.toLowerCase(java.util.Locale.ROOT), values.getFirst()));
            Received received = new Received(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI().toString(),
                    headers,
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            String path = exchange.getRequestURI().getPath();
            RECEIVED.computeIfAbsent(path, ignored -> new CopyOnWriteArrayList<>())
                    .add(received);
            Handler handler = HANDLERS.get(path);
            if (handler == null) {
                text(exchange, 404, "nothing");
            } else {
                handler.handle(exchange, received);
            }
        }
    }
}
