package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.TestingMicroVmImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole job on a micro-VM: from nothing, into a file, out of it again with the conversation, to gone. */
@Timeout(300)
class QemuTest {
    private static final Pattern SESSION = Pattern.compile("ses_[0-9A-Z]{26}");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    @BeforeAll
    static void buildTheImage() throws IOException, InterruptedException {
        TestingMicroVmImage.demand();
    }

    @Test
    void aSessionLivesInAMicroVmSleepsInAFileWakesWithItsConversationAndGivesAnAttackerNothing() throws Exception {
        try (LocalStack stack = LocalStack.up(directory, environment(), "--driver", "qemu")) {
            Command.Result run = stack.skerry("run", "--keep", "--idle-timeout", "2s", "Start a list in lights.txt");
            assertThat(run.exitCode()).as(run.output()).isZero();
            assertThat(run.output()).containsPattern("Sandbox ready \\(vm, \\d+ probes passed, 0 failed");
            System.out.println(lineWith(run.output(), "Sandbox ready"));
            String session = sessionIn(run.output());
            assertThat(IsolationTest.answersIn(stack.skerry("doctor", "--sandbox", "--json"), "qemu"))
                    .isEqualTo(IsolationTest.documented("qemu"));

            Awaitility.await()
                    .atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(memories()).hasSize(1));
            Awaitility.await()
                    .atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(virtualMachines()).isEmpty());

            Command.Result sent = stack.skerry("session", "send", session, "Add one more line");
            assertThat(sent.exitCode()).as(sent.output()).isZero();
            assertThat(sent.output()).contains("Resumed", "I remember 1 earlier turn(s)", "Turn 2 was here.");
            System.out.println(lineWith(sent.output(), "Resumed"));
            assertThat(memories()).isEmpty();
            assertThat(virtualMachines()).hasSize(1);

            Attack.demandNothingGot(stack.skerry("session", "send", session, Attack.task()));
            assertThat(stack.skerry("session", "delete", session).exitCode()).isZero();
            Awaitility.await()
                    .atMost(PATIENCE)
                    .ignoreExceptionsInstanceOf(UncheckedIOException.class)
                    .until(() -> instances().isEmpty());
            assertThat(virtualMachines()).isEmpty();
        }
        assertThat(Leftovers.of(directory)).isEmpty();
        assertThat(instances()).isEmpty();
    }

    private static Map<String, String> environment() {
        return new HashMap<>(
                Map.of("SKERRY_IMAGES", TestingMicroVmImage.images().toString()));
    }

    private List<String> virtualMachines() throws IOException {
        return Leftovers.of(directory).stream()
                .filter(process -> process.contains("qemu-system-x86_64"))
                .toList();
    }

    private List<Path> memories() throws IOException {
        return instances().stream()
                .filter(path -> path.endsWith(Path.of("sandbox", "memory")))
                .toList();
    }

    private List<Path> instances() throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve("home/metro/instances"))) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    private static String lineWith(String output, String text) {
        return output.lines().filter(line -> line.contains(text)).findFirst().orElseThrow();
    }

    private static String sessionIn(String output) {
        Matcher matcher = SESSION.matcher(output);
        assertThat(matcher.find()).as(output).isTrue();
        return matcher.group();
    }
}
