package dev.skerry.testing;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A real Temporal dev server in a process of its own, its state in a file, so that it may be killed and started again. */
public final class TestingTemporal implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(60);

    private final List<String> command;
    private final File log;
    private final int port;
    private final Path binary;
    private Process process;

    private TestingTemporal(Path binary, List<String> command, File log, int port) throws IOException {
        this.binary = binary;
        this.command = command;
        this.log = log;
        this.port = port;
        this.process = launch();
    }

    /**
     * Skips the test, or fails it where the server is required, when there is no {@code temporal} binary on PATH.
     *
     * @param searchAttributes names and types, such as {@code Keyword}
     */
    public static TestingTemporal start(Path directory, Map<String, String> searchAttributes) throws IOException {
        Optional<Path> binary = onPath("temporal");
        Required.server("temporal", binary.isPresent(), "there is no 'temporal' on PATH");
        int port = freePort();
        List<String> command = new ArrayList<>(List.of(
                binary.orElseThrow().toString(),
                "server",
                "start-dev",
                "--headless",
                "--ip",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--http-port",
                Integer.toString(freePort()),
                "--db-filename",
                directory.resolve("temporal.db").toString(),
                "--dynamic-config-value",
                "matching.useNewMatcher=true",
                "--dynamic-config-value",
                "matching.enableFairness=true",
                "--log-level",
                "error"));
        searchAttributes.forEach((name, type) -> command.addAll(List.of("--search-attribute", name + "=" + type)));
        return new TestingTemporal(
                binary.orElseThrow(), command, directory.resolve("temporal.log").toFile(), port);
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
        String said = new String(client.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (client.waitFor() != 0) {
            throw new AssertionError("temporal " + List.of(arguments) + " failed: " + said);
        }
        return said;
    }

    /** As a crash would. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Starts it again where it was. */
    public void restart() throws IOException {
        process = launch();
    }

    private Process launch() throws IOException {
        Process started = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
                .start();
        Instant deadline = Instant.now().plus(START);
        while (!listening()) {
            if (!started.isAlive() || Instant.now().isAfter(deadline)) {
                throw new IllegalStateException(
                        "the Temporal dev server did not start:\n" + Files.readString(log.toPath()));
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

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
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
