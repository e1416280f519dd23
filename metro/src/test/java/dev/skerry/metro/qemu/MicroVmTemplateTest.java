package dev.skerry.metro.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.Sandbox.Condition;
import dev.skerry.metro.driver.SandboxDriver.Snapshots;
import dev.skerry.testing.TestingMicroVmImage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The runtime, copied while it waits for a session. */
class MicroVmTemplateTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final Pattern NONCE = Pattern.compile("\"nonce\": \"([0-9a-f]{32})\"");
    private static final String VALUES = "/run/skerry";
    private static final int SEED_BYTES = 64;

    @TempDir
    private Path directory;

    private final List<Sandbox> started = new ArrayList<>();
    private final List<Hello> hellos = new CopyOnWriteArrayList<>();
    private HttpServer controlPlane;

    private record Hello(String token, String nonce) {}

    @BeforeEach
    void listen() throws IOException {
        controlPlane = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
        controlPlane.createContext("/", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Matcher nonce = NONCE.matcher(body);
            if (nonce.find()) {
                String token = exchange.getRequestHeaders().getFirst("Authorization");
                hellos.add(new Hello(token.replace("Bearer ", ""), nonce.group(1)));
            }
            exchange.sendResponseHeaders(503, -1);
            exchange.close();
        });
        controlPlane.start();
    }

    @AfterEach
    void endEverything() {
        started.forEach(sandbox -> sandbox.end(Duration.ZERO));
        controlPlane.stop(0);
    }

    @Test
    void twoCopiesDifferInRandomnessAndHaveOnlyTheirOwnValues() throws IOException, InterruptedException {
        TestingMicroVmImage built = TestingMicroVmImage.demand();
        int port = controlPlane.getAddress().getPort();
        QemuDriver driver =
                QemuDriver.start(new Door("127.0.0.1", port), built.kernel(), TestingMicroVmImage.accelerator());
        Snapshots snapshots = driver.snapshots().orElseThrow();
        Image image = runtime(built);
        Launch seed = launch("seed", image, Map.of());
        Path template = Files.createDirectories(directory.resolve("template"));

        Sandbox source = driver.start(seed);
        started.add(source);
        awaitWaiting(seed);
        assertThatThrownBy(() -> snapshots.capture(source, template)).hasMessageContaining("frozen");
        source.freeze();
        snapshots.capture(source, template);
        source.end(Duration.ZERO);
        assertThat(hellos).isEmpty();

        Launch first = launch("first", image, values("token-of-the-first", port));
        Launch second = launch("second", image, values("token-of-the-second", port));
        Sandbox one = snapshots.start(first, template);
        started.add(one);
        Sandbox two = snapshots.start(second, template);
        started.add(two);
        String nonceOfOne = awaitHello("token-of-the-first").nonce();
        String nonceOfTwo = awaitHello("token-of-the-second").nonce();
        assertThat(nonceOfOne).isNotEqualTo(nonceOfTwo);
        assertThat(first.directory().resolve("rom")).doesNotExist();

        one.freeze();
        Path memory = first.directory().resolve("memory");
        assertThat(holds(memory, "token-of-the-first")).isTrue();
        assertThat(holds(memory, "token-of-the-second")).isFalse();
        assertThat(holds(template.resolve("memory"), "token-of-the")).isFalse();
        hellos.clear();
        one.thaw();
        awaitHello("token-of-the-first");

        Files.writeString(second.directory().resolve("memory.template"), "it was not told yet who it is");
        assertThat(driver.find(second).condition()).isEqualTo(Condition.ENDED);
        assertThat(Vm.in(second.directory())).isEmpty();
    }

    private static Image runtime(TestingMicroVmImage built) {
        return new Image.Machine(
                built.kernel(),
                built.initrd(),
                built.disk(),
                List.of("/usr/bin/python3", "-I", "-B", "-S", "-X", "utf8", "/usr/lib/skerry/skerry_runtime"));
    }

    private Launch launch(String name, Image image, Map<String, byte[]> files) throws IOException {
        Path own = Files.createDirectories(directory.resolve(name).resolve("sandbox"));
        Path console = directory.resolve(name).resolve("console.log");
        return new Launch(name, image, List.of(), Map.of("SESSION_VALUES", VALUES), 256, 1, files, own, console);
    }

    private static Map<String, byte[]> values(String token, int port) {
        byte[] seed = new byte[SEED_BYTES];
        new SecureRandom().nextBytes(seed);
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(VALUES + "/SESSION_TOKEN", token.getBytes(StandardCharsets.UTF_8));
        files.put(VALUES + "/CONTROL_PLANE_URL", ("http://127.0.0.1:" + port).getBytes(StandardCharsets.UTF_8));
        files.put(VALUES + "/SESSION_ID", "ses_copy".getBytes(StandardCharsets.UTF_8));
        files.put(VALUES + "/ENTROPY", seed);
        return files;
    }

    private static void awaitWaiting(Launch launch) {
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> Files.exists(launch.console())
                        && Files.readString(launch.console(), StandardCharsets.ISO_8859_1)
                                .contains("waiting for a session"));
    }

    private Hello awaitHello(String token) {
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> hellos.stream().anyMatch(hello -> hello.token().equals(token)));
        return hellos.stream()
                .filter(hello -> hello.token().equals(token))
                .findFirst()
                .orElseThrow();
    }

    private static boolean holds(Path memory, String text) throws IOException {
        byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
        try (FileChannel channel = FileChannel.open(memory)) {
            ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
            for (int at = 0; at <= bytes.limit() - wanted.length; at++) {
                if (bytes.get(at) == wanted[0] && matches(bytes, at, wanted)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean matches(ByteBuffer bytes, int at, byte[] wanted) {
        for (int index = 1; index < wanted.length; index++) {
            if (bytes.get(at + index) != wanted[index]) {
                return false;
            }
        }
        return true;
    }
}
