package dev.skerry.controlplane;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.springframework.core.env.Environment;

/** Another control plane on the same store, in a process of its own that can be killed. */
public final class TestingControlPlane implements AutoCloseable {
    private static final List<String> SHARED = List.of(
            "skerry.db.url",
            "skerry.temporal.target",
            "skerry.control-plane.files.directory",
            "skerry.control-plane.internal.token",
            "skerry.control-plane.keys.current",
            "skerry.control-plane.keys.secrets.k1",
            "skerry.control-plane.keys.secrets.k2",
            "skerry.models.anthropic-key",
            "skerry.models.anthropic-base-url",
            "skerry.models.openai-key",
            "skerry.models.openai-base-url",
            "skerry.models.openai-model",
            "skerry.models.default-model");

    private final Process process;
    private final int port;
    private final Path output;

    private TestingControlPlane(Process process, int port, Path output) {
        this.process = process;
        this.port = port;
        this.output = output;
    }

    /** Starts a process with the settings of the control plane in this one, and with {@code more}; does not wait for it. */
    public static TestingControlPlane start(Environment environment, String... more) {
        int port = freePort();
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                ControlPlaneApplication.class.getName(),
                "--server.port=" + port,
                "--management.server.port=0",
                "--skerry.control-plane.internal.port=0"));
        SHARED.forEach(name -> command.add("--" + name + "=" + environment.getProperty(name)));
        command.addAll(List.of(more));
        try {
            Path output = Files.createTempFile("control-plane", ".log");
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            return new TestingControlPlane(process, port, output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String origin() {
        return "http://127.0.0.1:" + port;
    }

    public TestingControlPlane awaitUp() {
        Awaitility.await()
                .atMost(Duration.ofMinutes(2))
                .pollInterval(Duration.ofMillis(200))
                .until(() -> {
                    if (!process.isAlive()) {
                        throw new IllegalStateException("The process ended: " + Files.readString(output));
                    }
                    return answers();
                });
        return this;
    }

    private boolean answers() {
        try {
            return Http.call("GET", origin() + "/sandbox/v1/state", "nobody", null)
                            .status()
                    == 401;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    public boolean alive() {
        return process.isAlive();
    }

    /** As {@code kill -9} does. */
    public void kill() {
        process.destroyForcibly();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int freePort() {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
        try {
            Files.deleteIfExists(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
