package dev.skerry.metro.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.metro.driver.Exit;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.Sandbox.Condition;
import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.testing.TestingMicroVmImage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What a micro-VM is beyond what every driver's sandbox is: its door, its clock, its file of memory. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MicroVmTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int CONNECTIONS = 12;
    private static final TestingMicroVmImage NONE = new TestingMicroVmImage(Path.of(""), Path.of(""), Path.of(""));
    private static final Door NOWHERE = new Door("127.0.0.1", 9);
    private static final String SECRET = "tok'en \"$(id)\" \\ of\nlife";
    private static final String NETWORK = """
            import os, socket, threading, urllib.request
            url = os.environ["CONTROL_PLANE_URL"]
            host, port = url.removeprefix("http://").split(":")
            def ask(number):
                answers.append(urllib.request.urlopen(f"{url}/{number}", timeout=30).read().decode())
            answers = []
            threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
            [t.start() for t in threads]
            [t.join() for t in threads]
            print("answers", len(answers), len(set(answers)), flush=True)
            for address in (("10.0.2.2", int(port)), ("10.0.2.2", int(os.environ["OTHER"])), (host, int(os.environ["OTHER"])),
                            ("127.0.0.1", int(port)), ("169.254.169.254", 80), ("1.1.1.1", 443), ("10.0.2.3", 53)):
                try:
                    socket.create_connection(address, 2).close()
                    print("OPEN", address, flush=True)
                except OSError:
                    print("closed", flush=True)
            print("secret", os.environ["SECRET"].encode().hex(), sorted(open("/proc/self/environ").read().split("\\0"))[1:3], flush=True)
            print("done", flush=True)
            """;

    @TempDir
    private Path directory;

    private final List<Sandbox> started = new ArrayList<>();
    private TestingMicroVmImage image = NONE;

    @BeforeAll
    void buildTheImage() throws IOException, InterruptedException {
        image = TestingMicroVmImage.demand();
    }

    @AfterEach
    void endEverything() {
        started.forEach(sandbox -> sandbox.end(Duration.ZERO));
    }

    @Test
    void itsOneDoorTakesManyConnectionsAndNothingElseOpens() throws IOException {
        CountDownLatch asked = new CountDownLatch(CONNECTIONS);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            server.setExecutor(pool);
            server.createContext("/", exchange -> {
                asked.countDown();
                awaitTheOthers(asked);
                byte[] body = exchange.getRequestURI().getPath().getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
                exchange.close();
            });
            server.start();
            int port = server.getAddress().getPort();
            Launch launch = launch(
                    "network",
                    machine("/usr/bin/python3", "-I", "-c", NETWORK),
                    Map.of("CONTROL_PLANE_URL", "http://127.0.0.1:" + port, "SECRET", SECRET, "OTHER", "22"));
            start(launch, new Door("127.0.0.1", port));
            awaitConsole(launch, "done\n");
            assertThat(console(launch))
                    .contains("answers 12 12\n")
                    .contains("closed\n".repeat(7))
                    .doesNotContain("OPEN")
                    .contains("secret " + HexFormat.of().formatHex(SECRET.getBytes(StandardCharsets.UTF_8))
                            + " ['CONTROL_PLANE_URL=http://10.0.2.100:" + port + "', 'OTHER=22']\n");
        } finally {
            server.stop(0);
        }
    }

    @Test
    void whatIsSecretIsOnNoDiskAndItsMemoryIsItsOwnersOnly() throws IOException {
        Launch launch = counting("secret");
        Sandbox sandbox = start(launch, NOWHERE);
        awaitConsole(launch, "tick");
        assertThat(launch.directory()).isDirectoryNotContaining("glob:**initrd");
        sandbox.freeze();
        Path memory = launch.directory().resolve("memory");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(memory)))
                .isEqualTo("rw-------");
        sandbox.thaw();
        assertThat(memory).doesNotExist();
        sandbox.end(Duration.ZERO);
        assertThat(launch.directory()).isEmptyDirectory();
    }

    @Test
    void itsClockIsRightAgainAfterAStandby() throws IOException {
        Launch launch = launch(
                "clock", machine("/bin/sh", "-c", "while :; do echo time $(date +%s); sleep 0.2; done"), Map.of());
        Sandbox sandbox = start(launch, NOWHERE);
        awaitConsole(launch, "time ");
        sandbox.freeze();
        Instant until = Instant.now().plusSeconds(4);
        Awaitility.await().until(() -> Instant.now().isAfter(until));
        sandbox.thaw();
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> Math.abs(lastTime(launch) - Instant.now().getEpochSecond()) <= 2);
    }

    @Test
    void aMetroThatWasKilledWhileMemoryWasWrittenFindsItFrozenOrRunningAndNeverBoth() throws IOException {
        Launch launch = counting("half");
        start(launch, NOWHERE);
        awaitConsole(launch, "tick");
        Vm vm = Vm.in(launch.directory()).orElseThrow();
        try (Qmp monitor = vm.monitor(PATIENCE)) {
            monitor.execute("stop");
        }
        Files.writeString(launch.directory().resolve("memory.growing"), "half of it");
        Sandbox found = find(launch);
        assertThat(found.condition()).isEqualTo(Condition.RUNNING);
        long ticks = ticks(launch);
        Awaitility.await().atMost(PATIENCE).until(() -> ticks(launch) > ticks);
        assertThat(launch.directory().resolve("memory.growing")).doesNotExist();

        try (Qmp monitor = vm.monitor(PATIENCE)) {
            monitor.execute("stop");
        }
        Files.writeString(launch.directory().resolve("memory"), "all of it");
        assertThat(find(launch).condition()).isEqualTo(Condition.FROZEN);
        assertThat(vm.alive()).isFalse();
    }

    @Test
    void memoryThatIsNotWholeIsRefusedAndLeavesNoProcess() throws IOException {
        Launch launch = counting("broken");
        Sandbox sandbox = start(launch, NOWHERE);
        awaitConsole(launch, "tick");
        sandbox.freeze();
        try (RandomAccessFile memory =
                new RandomAccessFile(launch.directory().resolve("memory").toFile(), "rw")) {
            memory.setLength(memory.length() / 2);
        }
        assertThatThrownBy(sandbox::thaw).isInstanceOf(IOException.class).hasMessageContaining("did not start");
        assertThat(Vm.in(launch.directory())).isEmpty();
    }

    @Test
    void aKilledVmIsACrashAndAnEndedProgramTellsItsStatus() throws IOException {
        Launch killed = counting("killed");
        Launch ended = launch("ended", machine("/bin/sh", "-c", "exit 11"), Map.of());
        List<Exit> exits = new CopyOnWriteArrayList<>();
        start(killed, NOWHERE).onExit(exits::add);
        awaitConsole(killed, "tick");
        Vm.in(killed.directory()).orElseThrow().kill();
        Awaitility.await().atMost(PATIENCE).until(() -> exits.size() == 1);
        start(ended, NOWHERE).onExit(exits::add);
        Awaitility.await().atMost(PATIENCE).until(() -> exits.size() == 2);
        assertThat(exits.getFirst()).isInstanceOf(Exit.Crashed.class);
        assertThat(exits.getLast()).isEqualTo(new Exit.Ended(11));
    }

    private static void awaitTheOthers(CountDownLatch asked) throws IOException {
        try {
            if (!asked.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new IOException("the others did not come");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Launch counting(String name) throws IOException {
        String script = "n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done";
        return launch(name, machine("/bin/sh", "-c", script), Map.of("SECRET", SECRET));
    }

    private Launch launch(String name, Image image, Map<String, String> environment) throws IOException {
        Path own = Files.createDirectories(directory.resolve(name).resolve("sandbox"));
        Path console = directory.resolve(name).resolve("console.log");
        return new Launch(name, image, List.of(), environment, 256, 1, Map.of(), own, console);
    }

    private Sandbox start(Launch launch, Door door) throws IOException {
        Sandbox sandbox = driver(door).start(launch);
        started.add(sandbox);
        return sandbox;
    }

    private Sandbox find(Launch launch) {
        Sandbox found = driver(NOWHERE).find(launch);
        started.add(found);
        return found;
    }

    private static void awaitConsole(Launch launch, String text) {
        Awaitility.await().atMost(PATIENCE).until(() -> console(launch).contains(text));
    }

    private static String console(Launch launch) throws IOException {
        return Files.exists(launch.console())
                ? Files.readString(launch.console(), StandardCharsets.ISO_8859_1)
                        .replace("\r", "")
                : "";
    }

    private static long ticks(Launch launch) throws IOException {
        return console(launch).lines().filter(line -> line.startsWith("tick ")).count();
    }

    private static long lastTime(Launch launch) throws IOException {
        return console(launch)
                .lines()
                .filter(line -> line.matches("time [0-9]{10}"))
                .mapToLong(line -> Long.parseLong(line.substring(5)))
                .reduce(0, (_, later) -> later);
    }

    private SandboxDriver driver(Door door) {
        return QemuDriver.start(door, image.kernel(), TestingMicroVmImage.accelerator());
    }

    private Image machine(String... command) {
        return new Image.Machine(image.kernel(), image.initrd(), image.disk(), List.of(command));
    }
}
