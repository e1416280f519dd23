package dev.skerry.metro;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.skerry.metro.driver.SandboxDriver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A running metro. */
public final class MetroServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(MetroServer.class);
    private static final int MOST_BODY_BYTES = 8 << 20;
    private static final int BACKLOG = 256;

    private final MetroConfiguration configuration;
    private final HttpServer http;
    private final ExecutorService requests = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());
    private final SandboxDriver driver;
    private final Instances instances;
    private final InstancesApi api;
    private final JsonMapper json;

    private MetroServer(MetroConfiguration configuration) throws IOException {
        this.configuration = configuration;
        this.json = JsonMapper.builder()
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .build();
        this.driver = configuration.driver().driver();
        this.http = HttpServer.create(new InetSocketAddress(configuration.address(), configuration.port()), BACKLOG);
        this.instances = new Instances(configuration, driver, json);
        this.api = new InstancesApi(instances, json, configuration.maxInstances());
    }

    /** Listens when it returns; throws {@link java.net.BindException} when the port is taken. */
    public static MetroServer start(MetroConfiguration configuration) throws IOException {
        MetroServer server = new MetroServer(configuration);
        server.http.setExecutor(server.requests);
        server.http.createContext("/", server::handle);
        server.http.start();
        Future<?> _ = server.timer.scheduleWithFixedDelay(
                () -> server.instances.autokill(Instant.now()), 1, 1, TimeUnit.SECONDS);
        log.info("metro listens on port {}, sandboxes are {}", server.port(), server.driver.description());
        return server;
    }

    public int port() {
        return http.getAddress().getPort();
    }

    /** What sandboxes are here, and why. */
    public String isolation() {
        return driver.description();
    }

    @Override
    public void close() {
        http.stop(0);
        timer.shutdownNow();
        requests.shutdownNow();
        if (configuration.stopSandboxesOnClose()) {
            instances.stopAll();
        }
    }

    /** What to send back. */
    private record Reply(int status, String type, byte[] body) {}

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            long began = System.nanoTime();
            Reply reply;
            try {
                reply = reply(exchange, began);
            } catch (JacksonException e) {
                reply = refusal(400, "Malformed request");
            } catch (RuntimeException e) {
                log.error(
                        "{} {} failed",
                        exchange.getRequestMethod(),
                        exchange.getRequestURI().getPath(),
                        e);
                reply = refusal(500, "Internal error");
            }
            exchange.getResponseHeaders().set("Content-Type", reply.type());
            exchange.sendResponseHeaders(reply.status(), reply.body().length == 0 ? -1 : reply.body().length);
            exchange.getResponseBody().write(reply.body());
        }
    }

    private Reply reply(HttpExchange exchange, long began) throws IOException {
        if (!authorized(exchange.getRequestHeaders().getFirst("Authorization"))) {
            return refusal(401, "Unauthorized");
        }
        byte[] bytes = exchange.getRequestBody().readNBytes(MOST_BODY_BYTES + 1);
        if (bytes.length > MOST_BODY_BYTES) {
            return refusal(413, "Request body too large");
        }
        JsonNode body = bytes.length == 0 ? json.createObjectNode() : json.readTree(bytes);
        Query query = Query.parse(exchange.getRequestURI().getRawQuery());
        String accept = exchange.getRequestHeaders().getFirst("Accept");
        return route(exchange.getRequestMethod(), exchange.getRequestURI().getPath(), query, body, accept, began);
    }

    private boolean authorized(@Nullable String header) {
        byte[] wanted = ("Bearer " + configuration.token()).getBytes(StandardCharsets.UTF_8);
        return header != null && MessageDigest.isEqual(wanted, header.getBytes(StandardCharsets.UTF_8));
    }

    private Reply route(String method, String path, Query query, JsonNode body, @Nullable String accept, long began) {
        String[] parts = path.replaceAll("^/+|/+$", "").split("/", -1);
        if (parts.length < 2 || !parts[0].equals("v1")) {
            return refusal(404, "No such endpoint");
        }
        return switch (parts[1]) {
            case "healthz" -> {
                ObjectNode data = json.createObjectNode();
                data.putObject("checks").put("process", "healthy");
                yield envelope(began, data);
            }
            case "users" ->
                parts[parts.length - 1].equals("quotas")
                        ? envelope(began, json.createObjectNode().set("quotas", api.quotas()))
                        : refusal(404, "No such endpoint");
            case "images", "image-store" -> {
                ObjectNode data = json.createObjectNode();
                var images = data.putArray("images");
                configuration
                        .images()
                        .keySet()
                        .forEach(image -> images.addObject().put("url", image));
                yield envelope(began, data);
            }
            case "instances" -> instances(method, parts, query, body, accept, began);
            default -> refusal(404, "No such endpoint");
        };
    }

    private Reply instances(
            String method, String[] parts, Query query, JsonNode body, @Nullable String accept, long began) {
        String last = parts[parts.length - 1];
        boolean verb =
                List.of("start", "stop", "suspend", "wait", "log", "metrics").contains(last);
        int rest = parts.length - (verb ? 3 : 2);
        if (rest > 1 || (rest == 1 && parts[2].isEmpty())) {
            return refusal(404, "No such endpoint");
        }
        String uuid = rest == 1 ? parts[2] : null;
        JsonNode items = uuid == null && body.isObject() && body.isEmpty() ? fromQuery(query) : body;
        String operation = method + " " + (verb ? last : "");
        return switch (operation) {
            case "POST " -> items(began, api.create(body));
            case "GET " ->
                items(began, uuid == null ? api.list(query) : api.each(body, uuid, (found, _) -> api.details(found)));
            case "PATCH " -> items(began, api.each(items, uuid, api.patch()));
            case "DELETE " -> items(began, api.each(items, uuid, api.delete()));
            case "PUT start" -> items(began, api.each(items, uuid, api.start()));
            case "PUT stop" -> items(began, api.each(items, uuid, api.stop()));
            case "PUT suspend", "POST suspend" -> items(began, api.each(items, uuid, api.suspend()));
            case "GET wait" -> items(began, api.each(items, uuid, api.await()));
            case "GET log" -> items(began, api.each(items, uuid, api.log()));
            case "GET metrics" ->
                "application/json".equals(accept)
                        ? items(began, api.each(items, uuid, api.metrics()))
                        : new Reply(
                                200,
                                "text/plain; version=0.0.4",
                                api.prometheus().getBytes(StandardCharsets.UTF_8));
            default -> refusal(uuid == null && !verb ? 405 : 404, "No such endpoint");
        };
    }

    private JsonNode fromQuery(Query query) {
        var items = json.createArrayNode();
        query.all("uuid").forEach(uuid -> items.addObject().put("uuid", uuid));
        query.all("name").forEach(name -> items.addObject().put("name", name));
        return items.isEmpty() ? json.createObjectNode() : items;
    }

    private Reply items(long began, List<ObjectNode> items) {
        long failed = items.stream()
                .filter(item -> item.path("status").asString("").equals("error"))
                .count();
        ObjectNode envelope = json.createObjectNode();
        envelope.put("status", failed == 0 ? "success" : failed == items.size() ? "error" : "partial_success");
        if (failed > 0) {
            envelope.put("message", "Failed to perform all operations");
        }
        envelope.putObject("data").set("instances", json.valueToTree(items));
        return sent(200, took(envelope, began));
    }

    private Reply envelope(long began, JsonNode data) {
        ObjectNode envelope = json.createObjectNode().put("status", "success");
        envelope.set("data", data);
        return sent(200, took(envelope, began));
    }

    private Reply refusal(int status, String message) {
        ObjectNode envelope = json.createObjectNode().put("status", "error").put("message", message);
        envelope.putArray("errors").addObject().put("status", status);
        return sent(status, envelope);
    }

    private static ObjectNode took(ObjectNode envelope, long began) {
        return envelope.put("op_time_us", (System.nanoTime() - began) / 1_000);
    }

    private Reply sent(int status, ObjectNode body) {
        return new Reply(status, "application/json", json.writeValueAsBytes(body));
    }
}
