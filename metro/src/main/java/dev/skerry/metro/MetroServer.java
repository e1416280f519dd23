package dev.skerry.metro;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.skerry.metro.driver.SandboxDriver;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
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
    private static final int BACKLOG = 256;
    private static final long TICK_MILLIS = 500;
    private static final long HEARTBEAT_SECONDS = 30;

    private final MetroConfiguration configuration;
    private final HttpServer http;
    private final ExecutorService requests = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());
    private final JsonMapper json = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();
    private final SandboxDriver driver;
    private final Instances instances;
    private final Boxes boxes;
    private final ServiceGroups services;
    private final Audit audit;
    private final FrontDoor door;
    private final @Nullable FaultAdmin admin;

    private MetroServer(MetroConfiguration configuration) throws IOException {
        this.configuration = configuration;
        this.driver = configuration.driver().driver();
        this.http = HttpServer.create(new InetSocketAddress(configuration.address(), configuration.port()), BACKLOG);
        Faults faults = new Faults(
                configuration.faulty() == null ? 0 : configuration.faulty().seed());
        this.audit = new Audit(json);
        InstanceStore store = new InstanceStore(configuration.stateDirectory());
        this.services = new ServiceGroups(configuration.stateDirectory());
        Images images = new Images(configuration.images());
        this.instances = new Instances(configuration.limits(), images, store, faults, audit);
        this.boxes = new Boxes(driver, instances, store, faults);
        Envelope envelope = new Envelope(json);
        InstanceView view = new InstanceView(json, images, services, driver.description());
        Router router = new Router(
                new InstancesApi(instances, view, services, new Consoles(store), faults, envelope, json),
                new ServicesApi(services, instances, envelope, json),
                new NodeApi(instances, services, view, audit, envelope, json, driver.description(), version()),
                envelope);
        this.door = new FrontDoor(new Token(configuration.token()), router, instances, faults, envelope, json);
        this.admin = admin(faults);
    }

    private static String version() {
        String version = MetroServer.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    private @Nullable FaultAdmin admin(Faults faults) throws IOException {
        FaultySettings settings = configuration.faulty();
        if (settings == null) {
            return null;
        }
        if (settings.token().equals(configuration.token())) {
            throw new IllegalStateException("The fault injection needs a token of its own, not the metro's.");
        }
        try {
            if (!settings.rules().isBlank()) {
                for (JsonNode rule : json.readTree(settings.rules())) {
                    faults.add(Fields.of(rule));
                }
            }
        } catch (JacksonException | ItemException e) {
            throw new IllegalStateException("The fault rules cannot be read: " + e.getMessage(), e);
        }
        return new FaultAdmin(configuration.address(), settings, faults, json);
    }

    /** Listens when it returns; throws {@link java.net.BindException} when the port is taken. */
    public static MetroServer start(MetroConfiguration configuration) throws IOException {
        MetroServer server = new MetroServer(configuration);
        server.instances.open(server.boxes);
        server.http.setExecutor(server.requests);
        server.http.createContext("/", server::handle);
        server.http.start();
        Future<?> _ =
                server.timer.scheduleWithFixedDelay(server::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
        log.info("metro listens on port {}, sandboxes are {}", server.port(), server.driver.description());
        return server;
    }

    private void tick() {
        try {
            instances.tick(Instant.now());
            services.dropUnused(instances.all());
            boxes.trimConsoles();
        } catch (RuntimeException e) {
            log.error("what time brings failed", e);
        }
    }

    public int port() {
        return http.getAddress().getPort();
    }

    /** Where faults are armed; 0 when this metro has no fault injection. */
    public int faultPort() {
        return admin == null ? 0 : admin.port();
    }

    /** What sandboxes are here, and why. */
    public String isolation() {
        return driver.description();
    }

    @Override
    public void close() {
        http.stop(0);
        if (admin != null) {
            admin.close();
        }
        timer.shutdownNow();
        requests.shutdownNow();
        boxes.close(configuration.stopSandboxesOnClose());
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            switch (door.answer(exchange, "http://" + configuration.address() + ":" + port())) {
                case Reply.Whole whole -> send(exchange, whole);
                case Reply.Events events -> stream(exchange, events.subscription());
                case Reply.Cut() -> log.debug("closed without an answer");
            }
        }
    }

    private static void send(HttpExchange exchange, Reply.Whole whole) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", whole.type());
        whole.headers().forEach(exchange.getResponseHeaders()::set);
        boolean empty = whole.body().length == 0 || exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(whole.status(), empty ? -1 : whole.body().length);
        if (!empty) {
            exchange.getResponseBody().write(whole.body());
        }
    }

    private void stream(HttpExchange exchange, Audit.Subscription subscription) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(": listening\n\n".getBytes(StandardCharsets.UTF_8));
            out.flush();
            while (!Thread.currentThread().isInterrupted()) {
                ObjectNode event = subscription.events().poll(HEARTBEAT_SECONDS, TimeUnit.SECONDS);
                int dropped = subscription.dropped().getAndSet(0);
                if (dropped > 0) {
                    write(out, audit.gap(dropped));
                }
                if (event == null) {
                    out.write(": alive\n\n".getBytes(StandardCharsets.UTF_8));
                    out.flush();
                } else {
                    write(out, event);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            audit.unsubscribe(subscription);
        }
    }

    private void write(OutputStream out, ObjectNode event) throws IOException {
        String type = event.path("type").asString("");
        out.write(("event: " + type + "\ndata: " + json.writeValueAsString(event) + "\n\n")
                .getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
