package dev.skerry.system;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.testing.Required;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A real Temporal dev server in a process of its own, its state in a file. */
final class TestingTemporal implements AutoCloseable {
    private final Process process;
    private final int port;

    private TestingTemporal(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** Skips the test, or fails it where the server is required, when there is no {@code temporal} binary on PATH. */
    static TestingTemporal start(Path directory) throws IOException {
        Optional<Path> binary = onPath("temporal");
        Required.server("temporal", binary.isPresent(), "there is no 'temporal' on PATH");
        int port = Ports.free();
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
                Integer.toString(Ports.free()),
                "--db-filename",
                directory.resolve("temporal.db").toString(),
                "--log-level",
                "error"));
        SearchAttributes.TYPES.forEach((name, type) -> {
            command.add("--search-attribute");
            command.add(name + "=" + (type.name().endsWith("INT") ? "Int" : "Keyword"));
        });
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("temporal.log").toFile())
                .start();
        TestingTemporal temporal = new TestingTemporal(process, port);
        Ports.awaitListening(port, Duration.ofSeconds(30));
        return temporal;
    }

    String target() {
        return "127.0.0.1:" + port;
    }

    private static Optional<Path> onPath(String name) {
        for (String directory : System.getenv("PATH").split(":")) {
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
