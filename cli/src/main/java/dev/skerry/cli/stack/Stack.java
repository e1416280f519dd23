package dev.skerry.cli.stack;

import dev.skerry.api.ApiApplication;
import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.Json;
import dev.skerry.cli.Version;
import dev.skerry.cli.terminal.Durations;
import dev.skerry.controlplane.ControlPlaneApplication;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.qemu.Door;
import dev.skerry.worker.WorkerApplication;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.context.ApplicationContextException;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;

/** Every role in this process, with the servers that they need. Closing it ends all of them, sandboxes included. */
public final class Stack implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Stack.class);
    private static final int PREFERRED_PORT = 7070;
    private static final String NEVER = "PT0S";
    private static final long NEEDED_MIB = 300;
    private static final Duration LEFTOVER = Duration.ofSeconds(10);

    private final Home home;
    private final Options options;
    private final Consumer<String> tell;
    private final Secrets secrets;
    private final Deque<Part> parts = new ArrayDeque<>();

    /**
     * What a person may choose.
     *
     * @param temporal auto, embedded or an address
     * @param port of the API; 0 prefers 7070 and takes any other when that is taken
     * @param driver what sandboxes are made of
     * @param image of the Docker Engine for each sandbox; null is the one that this program makes
     */
    public record Options(
            String temporal,
            boolean offline,
            int port,
            Driver driver,
            @Nullable String image) {}

    /** What sandboxes are made of. */
    public enum Driver {
        PROCESS,
        DOCKER,
        QEMU;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private record Part(String name, AutoCloseable server) {}

    private Stack(Home home, Options options, Consumer<String> tell) {
        this.home = home;
        this.options = options;
        this.tell = tell;
        this.secrets = new Secrets(home);
    }

    /** Starts everything, telling each step; on failure nothing is left running. */
    public static Stack start(Home home, Options options, Consumer<String> tell) {
        home.create();
        home.demandSpace(NEEDED_MIB);
        Stack stack = new Stack(home, options, tell);
        try {
            stack.lock();
            stack.up();
            return stack;
        } catch (Failure e) {
            stack.close();
            throw e;
        } catch (IOException e) {
            stack.close();
            throw home.unwritable(e);
        }
    }

    private void lock() throws IOException {
        RandomAccessFile file = new RandomAccessFile(StackFile.lock(home).toFile(), "rw");
        FileLock lock;
        try {
            lock = file.getChannel().tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            file.close();
            String where = StackFile.read(home).map(StackFile::apiUrl).orElse("an address that it is still choosing");
            throw new Failure(
                    ExitCode.NO_STACK,
                    "A stack runs already, at " + where + ".",
                    "Use it, or stop it with `skerry down`.");
        }
        parts.push(new Part("lock", file));
        file.setLength(0);
        file.write(Json.MAPPER.writeValueAsBytes(StackFile.Running.of("skerry", ProcessHandle.current())));
    }

    private void up() throws IOException {
        endLeftovers();
        int port = apiPort();
        Python.find();
        // Platform threads: class loading pins virtual ones, and on few cores all wait for one without a carrier.
        try (ExecutorService pool = Executors.newCachedThreadPool()) {
            Future<Postgres> postgresStart = pool.submit(timed("Postgres", () -> Postgres.start(home)));
            Future<Temporal> temporalStart = pool.submit(
                    timed("Temporal", () -> Temporal.start(home, options.temporal(), options.offline(), tell)));
            int sandboxPort = Ports.kept(home.root().resolve("sandbox-port"));
            Future<SandboxHost> hostStart = pool.submit(timed(hostName(), () -> sandboxHost(sandboxPort)));
            Temporal temporal = keep("Temporal", temporalStart);
            SandboxHost host = keep("sandbox host", hostStart);
            Postgres postgres = keep("Postgres", postgresStart);
            Addresses addresses = new Addresses(port, sandboxPort, Ports.free(), postgres.url(), temporal, host);
            Future<ConfigurableApplicationContext> controlPlane =
                    pool.submit(timed("Control plane", () -> controlPlane(addresses)));
            Future<ConfigurableApplicationContext> worker = pool.submit(timed("Worker", () -> worker(addresses)));
            Future<ConfigurableApplicationContext> api = pool.submit(timed("API", () -> apiWhereItCan(addresses)));
            keep("control plane", controlPlane);
            keep("worker", worker);
            ConfigurableApplicationContext served = keep("api", api);
            write(addresses.at(served), host.isolation());
        }
    }

    private record Addresses(int api, int sandbox, int internal, String database, Temporal temporal, SandboxHost host) {
        Addresses at(ConfigurableApplicationContext served) {
            int port = served.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
            return withApi(port);
        }

        Addresses withApi(int port) {
            return new Addresses(port, sandbox, internal, database, temporal, host);
        }
    }

    private String hostName() {
        return switch (options.driver()) {
            case PROCESS -> "Metro";
            case DOCKER -> "Docker";
            case QEMU -> "Metro of micro-VMs";
        };
    }

    private SandboxHost sandboxHost(int sandboxPort) throws IOException {
        return switch (options.driver()) {
            case PROCESS -> new MetroHost(LocalMetro.start(home, secrets.metroToken(), 0), secrets.metroToken(), NEVER);
            case DOCKER -> DockerHost.start(home, secrets.installation(), options.image(), tell);
            case QEMU -> {
                Door door = new Door("127.0.0.1", sandboxPort);
                MetroConfiguration metro = LocalMetro.microVms(home, secrets.metroToken(), door, tell);
                yield new MetroHost(
                        MetroServer.start(metro),
                        secrets.metroToken(),
                        System.getenv().getOrDefault("SKERRY_TEMPLATE_AGE", NEVER));
            }
        };
    }

    private void endLeftovers() {
        StackFile.read(home)
                .ifPresent(before -> before.children()
                        .forEach(child -> child.find().ifPresent(process -> Processes.end(process, LEFTOVER))));
    }

    private int apiPort() throws IOException {
        if (options.port() != 0) {
            if (!Ports.isFree(options.port())) {
                throw new Failure(
                        ExitCode.NO_STACK,
                        "Port " + options.port() + " is taken by another program.",
                        "Choose another one with --port, or leave it out.");
            }
            return options.port();
        }
        return Ports.isFree(PREFERRED_PORT) ? PREFERRED_PORT : Ports.free();
    }

    private <T> Callable<T> timed(String name, Callable<T> start) {
        return () -> {
            Instant began = Instant.now();
            T started = start.call();
            tell.accept(name + " is up (" + Durations.text(Duration.between(began, Instant.now())) + ")");
            return started;
        };
    }

    private <T extends AutoCloseable> T keep(String name, Future<T> start) {
        try {
            T started = start.get();
            parts.push(new Part(name, started));
            return started;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Failure failure) {
                throw failure;
            }
            log.error("{} did not start", name, e.getCause());
            throw new Failure(
                    ExitCode.NO_STACK,
                    "The " + name + " did not start: " + rootMessage(e),
                    "Correct that; the log is " + home.log().resolve("skerry.log") + ".",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure(ExitCode.INTERRUPTED, "Interrupted while starting.", "Run the same command again.", e);
        }
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage());
    }

    private ConfigurableApplicationContext controlPlane(Addresses at) throws IOException {
        Map<String, Object> settings = common(at);
        settings.put("server.port", at.sandbox());
        settings.put("management.server.port", 0);
        settings.put("server.address", at.host().address());
        settings.put("skerry.control-plane.sandbox-url", "http://" + at.host().address() + ":" + at.sandbox());
        if (!at.host().requiredProbes().isEmpty()) {
            settings.put(
                    "skerry.control-plane.required-probes",
                    String.join(",", at.host().requiredProbes()));
        }
        settings.put("skerry.control-plane.internal.port", at.internal());
        settings.put("skerry.control-plane.internal.token", secrets.internalToken());
        settings.put("skerry.control-plane.keys.current", "k1");
        settings.put("skerry.control-plane.keys.secrets.k1", secrets.signingKey());
        settings.put("skerry.control-plane.files.directory", home.objects().toString());
        settings.put("skerry.control-plane.credentials.current", "c1");
        settings.put("skerry.control-plane.credentials.secrets.c1", secrets.credentialKey());
        settings.put("skerry.control-plane.operator.token", secrets.operatorToken());
        return run(ControlPlaneApplication.application(), settings);
    }

    private ConfigurableApplicationContext worker(Addresses at) throws IOException {
        Map<String, Object> settings = common(at);
        settings.put("server.port", 0);
        settings.put("skerry.worker.control-plane.url", "http://127.0.0.1:" + at.internal());
        settings.put("skerry.worker.control-plane.token", secrets.internalToken());
        settings.putAll(at.host().workerSettings());
        if (at.temporal().inThisProcess()) {
            settings.put("skerry.worker.sticky-timeout", "0s");
        }
        return run(WorkerApplication.application(), settings);
    }

    /** Another stack may take the preferred port between the look at it and its use; a port that was asked for is used or refused. */
    private ConfigurableApplicationContext apiWhereItCan(Addresses at) throws IOException {
        try {
            return api(at);
        } catch (ApplicationContextException e) {
            if (options.port() == 0 && e.getCause() instanceof PortInUseException) {
                return api(at.withApi(Ports.free()));
            }
            throw e;
        }
    }

    private ConfigurableApplicationContext api(Addresses at) throws IOException {
        Map<String, Object> settings = common(at);
        settings.put("server.port", at.api());
        settings.put("management.server.port", 0);
        settings.put("skerry.api.bootstrap-key", secrets.apiKey());
        settings.put("skerry.api.temporal-durable", at.temporal().durable());
        settings.put("skerry.api.version", Version.text());
        if (at.temporal().ui() != null) {
            settings.put("skerry.api.temporal-ui", at.temporal().ui());
        }
        settings.put("skerry.files.directory", home.objects().toString());
        return run(ApiApplication.application(), settings);
    }

    private Map<String, Object> common(Addresses at) throws IOException {
        Map<String, Object> settings = new HashMap<>();
        settings.put("server.address", "127.0.0.1");
        settings.put("skerry.db.url", at.database());
        settings.put("skerry.temporal.target", at.temporal().target());
        settings.put("skerry.temporal.namespace", "default");
        settings.put("skerry.installation", secrets.installation());
        settings.put("spring.jmx.enabled", false);
        return settings;
    }

    private static ConfigurableApplicationContext run(SpringApplication application, Map<String, Object> settings) {
        application.setRegisterShutdownHook(false);
        application.addInitializers(context ->
                context.getEnvironment().getPropertySources().addFirst(new MapPropertySource("stack", settings)));
        return application.run();
    }

    private void write(Addresses at, String isolation) throws IOException {
        List<StackFile.Running> children = new ArrayList<>();
        at.temporal().process().ifPresent(process -> children.add(StackFile.Running.of("temporal", process)));
        new StackFile(
                        StackFile.Running.of("skerry", ProcessHandle.current()),
                        children,
                        "http://127.0.0.1:" + at.api(),
                        at.temporal().target(),
                        at.temporal().ui(),
                        at.temporal().durable(),
                        isolation,
                        options.driver(),
                        Version.text())
                .write(home);
        Files.writeString(home.operatorUrl(), "http://127.0.0.1:" + at.internal());
        parts.push(new Part("operator address", () -> Files.deleteIfExists(home.operatorUrl())));
        parts.push(new Part("stack.json", () -> Files.deleteIfExists(home.stackFile())));
    }

    @Override
    public void close() {
        while (!parts.isEmpty()) {
            Part part = parts.pop();
            try {
                part.server().close();
            } catch (Exception e) {
                log.warn("{} did not close cleanly", part.name(), e);
            }
        }
    }
}
