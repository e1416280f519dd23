package dev.skerry.testing;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A real Temporal server in a process of its own that keeps its state, so that it may be killed and started again. */
public final class TestingTemporal implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(60);
    private static final String NAMESPACE = "default";
    private static final Map<String, String> FAIR =
            Map.of("matching.useNewMatcher", "true", "matching.enableFairness", "true");

    private final List<String> command;
    private final Map<String, String> environment;
    private final File log;
    private final int port;
    private final Path binary;
    private Process process;

    private TestingTemporal(Path binary, List<String> command, Map<String, String> environment, File log, int port)
            throws IOException {
        this.binary = binary;
        this.command = command;
        this.environment = environment;
        this.log = log;
        this.port = port;
        this.process = launch();
    }

    /**
     * Starts the dev server with its state in a file. Skips the test, or fails it where the server is required, when there is no
     * {@code temporal} binary on PATH.
     *
     * @param searchAttributes names and types, such as {@code Keyword}
     */
    public static TestingTemporal start(Path directory, Map<String, String> searchAttributes) throws IOException {
        return start(directory, searchAttributes, Map.of());
    }

    /** The same with more of the server's dynamic configuration, by key. */
    public static TestingTemporal start(
            Path directory, Map<String, String> searchAttributes, Map<String, String> dynamicConfig)
            throws IOException {
        Path binary = client();
        int port = FreePort.find();
        List<String> command = new ArrayList<>(List.of(
                binary.toString(),
                "server",
                "start-dev",
                "--headless",
                "--ip",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--http-port",
                Integer.toString(FreePort.find()),
                "--db-filename",
                directory.resolve("temporal.db").toString(),
                "--log-level",
                "error"));
        fair(dynamicConfig)
                .forEach((key, value) -> command.addAll(List.of("--dynamic-config-value", key + "=" + value)));
        searchAttributes.forEach((name, type) -> command.addAll(List.of("--search-attribute", name + "=" + type)));
        return new TestingTemporal(
                binary, command, Map.of(), directory.resolve("temporal.log").toFile(), port);
    }

    /**
     * Starts the server that production runs, with its state in Postgres. Skips or fails the test as {@link #start} does.
     *
     * @param programs holds {@code server} and {@code sql}, the server and its schema tool
     * @param searchAttributes names and types, such as {@code Keyword}
     * @param dynamicConfig more of the server's dynamic configuration, by key
     */
    public static TestingTemporal startOnPostgres(
            Path directory,
            Path programs,
            MortalPostgres postgres,
            Map<String, String> searchAttributes,
            Map<String, String> dynamicConfig)
            throws IOException, InterruptedException {
        TemporalOnPostgres recipe = new TemporalOnPostgres(programs, postgres, directory);
        Path binary = client();
        recipe.createSchemas();
        int port = FreePort.find();
        TestingTemporal server = new TestingTemporal(
                binary,
                recipe.command(),
                recipe.environment(port, fair(dynamicConfig)),
                directory.resolve("temporal.log").toFile(),
                port);
        try {
            server.register(searchAttributes);
            return server;
        } catch (InterruptedException | IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private void register(Map<String, String> searchAttributes) throws IOException, InterruptedException {
        insist("operator", "namespace", "create", "--namespace", NAMESPACE, "--retention", "24h");
        List<String> attributes =
                new ArrayList<>(List.of("operator", "search-attribute", "create", "--namespace", NAMESPACE));
        searchAttributes.forEach((name, type) -> attributes.addAll(List.of("--name", name, "--type", type)));
        insist(attributes.toArray(String[]::new));
        String query = String.join(
                " and ",
                searchAttributes.keySet().stream()
                        .map(name -> name + " is null")
                        .toList());
        insist("workflow", "list", "--namespace", NAMESPACE, "--query", query);
    }

    /** A cluster that has just started answers each question only when word of the one before has got round. */
    private void insist(String... arguments) throws IOException, InterruptedException {
        Instant deadline = Instant.now().plus(START);
        while (true) {
            try {
                operator(arguments);
                return;
            } catch (AssertionError e) {
                if (e.toString().contains("already exists")) {
                    return;
                }
                if (Instant.now().isAfter(deadline)) {
                    throw e;
                }
                pause();
            }
        }
    }

    private static Map<String, String> fair(Map<String, String> dynamicConfig) {
        Map<String, String> all = new HashMap<>(FAIR);
        all.putAll(dynamicConfig);
        return all;
    }

    /** Skips a test that needs a Temporal that outlives its callers where there is none. */
    public static void demand() {
        client();
    }

    private static Path client() {
        Optional<Path> binary = onPath("temporal");
        Required.server("temporal", binary.isPresent(), "there is no 'temporal' on PATH");
        return binary.orElseThrow();
    }

    public String target() {
        return "127.0.0.1:" + port;
    }

    /** Runs the {@code temporal} client against this server, as an operator would; answers what it printed. */
    public String operator(String... arguments) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of(binary.toString()));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--address", target()));
        Process client = new ProcessBuilder(all).redirectErrorStream(true).start();
        client.getOutputStream().close();
        String said = new String(client.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (client.waitFor() != 0) {
            throw new AssertionError("temporal " + List.of(arguments) + " failed: " + said);
        }
        return said;
    }

    public boolean alive() {
        return process.isAlive();
    }

    /** As a crash would. */
    public synchronized void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
        insistOnSilence();
    }

    /** Starts it again where it was, unless it runs. */
    public synchronized void restart() throws IOException {
        if (!process.isAlive()) {
            process = launch();
        }
    }

    /** A second server on the same state would take over what is to be away. */
    private void insistOnSilence() {
        if (listening()) {
            throw new IllegalStateException("Another Temporal server than ours listens on port " + port + ".");
        }
    }

    private Process launch() throws IOException {
        insistOnSilence();
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log));
        builder.environment().putAll(environment);
        Process started = builder.start();
        Instant deadline = Instant.now().plus(START);
        while (!listening()) {
            if (!started.isAlive() || Instant.now().isAfter(deadline)) {
                throw new IllegalStateException(
                        "the Temporal server did not start:\n" + Files.readString(log.toPath()));
            }
            pause();
        }
        return started;
    }

    private boolean listening() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Optional<Path> onPath(String name) {
        for (String directory : System.getenv("PATH").split(":", -1)) {
            Path candidate = Path.of(directory, name);
            if (Files.isExecutable(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
