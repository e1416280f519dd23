package dev.skerry.metro.qemu;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.SandboxDriver.Snapshots;
import dev.skerry.testing.TestingMicroVmImage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Measures, when asked for by name: from nothing to the runtime's first word, from a template to it, into a file, out of it. */
class MicroVmTimes {
    private static final int ROUNDS = 5;
    private static final int MEMORY_MB = 256;
    private static final long PATIENCE_SECONDS = 120;
    private static final String VALUES = "/run/skerry";

    @TempDir
    private Path directory;

    @Test
    void bootStandbyResume() throws Exception {
        TestingMicroVmImage built = TestingMicroVmImage.demand();
        Semaphore heard = new Semaphore(0);
        HttpServer controlPlane = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        controlPlane.createContext("/", exchange -> heard.release());
        controlPlane.start();
        int port = controlPlane.getAddress().getPort();
        QemuDriver driver =
                QemuDriver.start(new Door("127.0.0.1", port), built.kernel(), TestingMicroVmImage.accelerator());
        Image image = new Image.Machine(
                built.kernel(),
                built.initrd(),
                built.disk(),
                List.of("/usr/bin/python3", "-I", "-B", "-S", "-X", "utf8", "/usr/lib/skerry/skerry_runtime"));
        List<Duration> boots = new ArrayList<>();
        List<Duration> standbys = new ArrayList<>();
        List<Duration> resumes = new ArrayList<>();
        long memory = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Path own =
                    Files.createDirectories(directory.resolve("round" + round).resolve("sandbox"));
            Map<String, String> environment = Map.of(
                    "SESSION_TOKEN", "t", "CONTROL_PLANE_URL", "http://127.0.0.1:" + port, "SESSION_ID", "ses_times");
            Launch launch = new Launch(
                    "times", image, List.of(), environment, MEMORY_MB, 1, Map.of(), own, own.resolveSibling("console"));
            long began = System.nanoTime();
            Sandbox sandbox = driver.start(launch);
            if (!heard.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("no hello: " + Files.readString(launch.console()));
            }
            boots.add(since(began));
            began = System.nanoTime();
            sandbox.freeze();
            standbys.add(since(began));
            memory = Files.size(own.resolve("memory"));
            began = System.nanoTime();
            sandbox.thaw();
            resumes.add(since(began));
            sandbox.end(Duration.ZERO);
            heard.drainPermits();
        }
        List<Duration> clones = clones(driver, image, port, heard);
        controlPlane.stop(0);
        System.out.println("Micro-VM of " + MEMORY_MB + " MB, " + driver.description() + ", " + ROUNDS + " rounds");
        print("boot to hello", boots);
        print("clone to hello", clones);
        print("standby", standbys);
        print("resume", resumes);
        System.out.println("  memory in a file   " + memory / (1 << 20) + " MiB");
    }

    private List<Duration> clones(QemuDriver driver, Image image, int port, Semaphore heard) throws Exception {
        Snapshots snapshots = driver.snapshots().orElseThrow();
        Path template = Files.createDirectories(directory.resolve("template"));
        Launch waiting = launch("seed", image, Map.of("SESSION_VALUES", VALUES), Map.of());
        Sandbox seed = driver.start(waiting);
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!Files.readString(waiting.console(), StandardCharsets.ISO_8859_1).contains("waiting for a session")) {
            if (System.nanoTime() > until) {
                throw new AssertionError("it does not wait: " + Files.readString(waiting.console()));
            }
            Thread.sleep(20);
        }
        seed.freeze();
        snapshots.capture(seed, template);
        seed.end(Duration.ZERO);
        List<Duration> samples = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            byte[] entropy = new byte[64];
            new SecureRandom().nextBytes(entropy);
            Map<String, byte[]> files = new LinkedHashMap<>();
            files.put(VALUES + "/SESSION_TOKEN", "t".getBytes(StandardCharsets.UTF_8));
            files.put(VALUES + "/CONTROL_PLANE_URL", ("http://127.0.0.1:" + port).getBytes(StandardCharsets.UTF_8));
            files.put(VALUES + "/SESSION_ID", "ses_times".getBytes(StandardCharsets.UTF_8));
            files.put(VALUES + "/ENTROPY", entropy);
            Launch launch = launch("clone" + round, image, Map.of(), files);
            long began = System.nanoTime();
            Sandbox clone = snapshots.start(launch, template);
            if (!heard.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("no hello: " + Files.readString(launch.console()));
            }
            samples.add(since(began));
            clone.end(Duration.ZERO);
            heard.drainPermits();
        }
        return samples;
    }

    private Launch launch(String name, Image image, Map<String, String> environment, Map<String, byte[]> files)
            throws IOException {
        Path own = Files.createDirectories(directory.resolve(name).resolve("sandbox"));
        return new Launch(name, image, List.of(), environment, MEMORY_MB, 1, files, own, own.resolveSibling("console"));
    }

    private static Duration since(long began) {
        return Duration.ofNanos(System.nanoTime() - began);
    }

    private static void print(String what, List<Duration> samples) {
        List<Duration> sorted = samples.stream().sorted().toList();
        System.out.printf(
                Locale.ROOT,
                "  %-17s median %.2f s, worst %.2f s%n",
                what,
                sorted.get(sorted.size() / 2).toMillis() / 1000.0,
                sorted.getLast().toMillis() / 1000.0);
    }
}
