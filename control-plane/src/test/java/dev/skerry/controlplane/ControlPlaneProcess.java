package dev.skerry.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.core.env.Environment;

/** A control plane in a process of its own, on the database of a test's context, that can be killed without warning. */
public final class ControlPlaneProcess implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(90);

    private final Map<String, Object> settings;
    private final int sandboxPort;
    private final int internalPort;
    private final int managementPort;
    private final Path log;
    private Process process;

    private ControlPlaneProcess(Environment context, Map<String, Object> more) {
        this.sandboxPort = freePort();
        this.internalPort = freePort();
        this.managementPort = freePort();
        this.settings = new HashMap<>(Map.of(
                "server.port",
                sandboxPort,
                "management.server.port",
                managementPort,
                "skerry.control-plane.internal.port",
                internalPort,
                "skerry.control-plane.internal.token",
                ControlPlaneTest.INTERNAL_TOKEN,
                "skerry.control-plane.keys.current",
                "k2",
                "skerry.control-plane.keys.secrets.k2",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=",
                "skerry.db.url",
                context.getRequiredProperty("skerry.db.url"),
                "skerry.control-plane.files.directory",
                context.getRequiredProperty("skerry.control-plane.files.directory"),
                "skerry.temporal.target",
                context.getRequiredProperty("skerry.temporal.target")));
        settings.put("skerry.control-plane.required-probes", "S01");
        settings.putAll(more);
        try {
            this.log = Files.createTempFile("control-plane-", ".log");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts one and waits until it is ready; {@code more} adds to its settings. */
    public static ControlPlaneProcess start(Environment context, Map<String, Object> more) {
        ControlPlaneProcess started = launch(context, more);
        started.awaitReady();
        return started;
    }

    /** Like {@link #start}, without waiting. */
    public static ControlPlaneProcess launch(Environment context, Map<String, Object> more) {
        ControlPlaneProcess launched = new ControlPlaneProcess(context, more);
        launched.run();
        return launched;
    }

    private void run() {
        ProcessBuilder java = new ProcessBuilder(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                ControlPlaneApplication.class.getName()));
        java.environment().put("SPRING_APPLICATION_JSON", Http.JSON.writeValueAsString(settings));
        File output = log.toFile();
        try {
            process = java.redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(output))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void awaitReady() {
        await().atMost(START)
                .pollInterval(Duration.ofMillis(100))
                .ignoreExceptions()
                .untilAsserted(() -> {
                    assertThat(process.isAlive()).as(this::log).isTrue();
                    assertThat(Http.call("GET", managementOrigin() + "/actuator/health/readiness", null, null)
                                    .status())
                            .isEqualTo(200);
                });
    }

    /** SIGKILL: nothing of it gets to act again. */
    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** SIGTERM, and at once back. */
    public void terminate() {
        process.destroy();
    }

    public Process process() {
        return process;
    }

    /** On the same ports as before. */
    public void restart() {
        kill();
        run();
        awaitReady();
    }

    public String sandboxOrigin() {
        return "http://127.0.0.1:" + sandboxPort;
    }

    public int sandboxPort() {
        return sandboxPort;
    }

    public int internalPort() {
        return internalPort;
    }

    public String internalOrigin() {
        return "http://127.0.0.1:" + internalPort;
    }

    public String managementOrigin() {
        return "http://127.0.0.1:" + managementPort;
    }

    /** Everything that it printed. */
    public String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
        try {
            Files.deleteIfExists(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A port that nobody listens on at the moment, below those that are given to outgoing connections. */
    public static int freePort() {
        while (true) {
            try (ServerSocket free =
                    new ServerSocket(ThreadLocalRandom.current().nextInt(20_000, 32_000))) {
                return free.getLocalPort();
            } catch (BindException e) {
                continue;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
