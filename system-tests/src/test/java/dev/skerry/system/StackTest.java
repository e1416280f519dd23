package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.temporal.SearchAttributes;
import dev.skerry.testing.TestingTemporal;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Everything on one machine: started, found again, interrupted, killed, stopped. */
@Timeout(240)
class StackTest {
    private static final int TURN_FAILED = 1;
    private static final int NO_STACK = 3;
    private static final int INTERRUPTED = 130;

    @TempDir
    private Path directory;

    @Test
    void isFoundByASecondStartAndByEveryCommandUntilItIsStopped() throws Exception {
        try (LocalStack stack = LocalStack.up(directory)) {
            Command.Result second = stack.skerry("up");
            assertThat(second.exitCode()).isEqualTo(NO_STACK);
            assertThat(second.output()).contains("A stack runs already, at http://127.0.0.1:");

            Command.Result run = stack.skerry("run", "Write a haiku into haiku.txt");
            assertThat(run.exitCode()).as(run.output()).isZero();
            assertThat(run.output()).doesNotContain("No stack runs").contains("✓ write haiku.txt");

            assertThat(stack.skerry("down").output()).contains("Everything is stopped.");
            assertThat(stack.awaitEnd()).isZero();
        }
        assertThat(Leftovers.of(directory)).isEmpty();
    }

    @Test
    void takesUpItsSessionsWhereAKilledOneLeftThem() throws Exception {
        TestingTemporal.demand();
        String session;
        try (LocalStack stack = LocalStack.up(directory)) {
            Command.Result run = stack.skerry("run", "--keep", "Start a list in list.txt");
            assertThat(run.exitCode()).as(run.output()).isZero();
            session = run.output().replaceAll("(?s).*?(ses_[0-9A-Z]{26}).*", "$1");
            stack.kill();
        }
        try (LocalStack stack = LocalStack.up(directory)) {
            Command.Result sent = stack.skerry("session", "send", session, "Add one more line");
            assertThat(sent.exitCode()).as(sent.output()).isZero();
            assertThat(sent.output()).contains("I remember 1 earlier turn(s)");
            assertThat(stack.skerry("session", "delete", session).exitCode()).isZero();
        }
        assertThat(Leftovers.of(directory)).isEmpty();
    }

    @Test
    void teachesATemporalThatIsThereAlreadyItsSearchAttributes() throws Exception {
        try (TestingTemporal temporal = TestingTemporal.start(directory, Map.of());
                LocalStack stack = LocalStack.up(directory, "--temporal", temporal.target())) {
            assertThat(temporal.operator("operator", "search-attribute", "list", "--namespace", "default"))
                    .contains(SearchAttributes.TYPES.keySet());
            assertThat(stack.skerry("down").output()).contains("Everything is stopped.");
            assertThat(temporal.alive()).isTrue();
        }
        assertThat(Leftovers.of(directory)).isEmpty();
    }

    @Test
    void isSharedByTwoRunsThatStartAtTheSameMoment() throws Exception {
        TestingTemporal.demand();
        List<Path> logs = List.of(
                Files.createFile(directory.resolve("one.log")), Files.createFile(directory.resolve("other.log")));
        List<Process> runs = new ArrayList<>();
        for (Path log : logs) {
            runs.add(Command.start(
                    directory,
                    log,
                    LocalStack.environment(directory),
                    "run",
                    "--offline",
                    "rehearse:sleep=3 into " + log.getFileName()));
        }
        try {
            for (int each = 0; each < runs.size(); each++) {
                assertThat(runs.get(each).waitFor(120, TimeUnit.SECONDS)).isTrue();
                String said = Files.readString(logs.get(each));
                assertThat(runs.get(each).exitValue()).as(said).isZero();
                assertThat(said).contains("tokens revoked");
            }
        } finally {
            runs.forEach(Process::destroyForcibly);
            Command.run(directory, LocalStack.environment(directory), "down");
        }
        assertThat(Leftovers.of(directory)).isEmpty();
    }

    @Test
    void endsWithTheRunThatStartedItWhenThatIsInterrupted() throws Exception {
        Path log = Files.createFile(directory.resolve("run.log"));
        Process run = Command.start(
                directory,
                log,
                LocalStack.environment(directory),
                "run",
                "--offline",
                "rehearse:sleep=60 into late.txt");
        awaitIn(log, "Sandbox ready");
        interrupt(run);
        assertThat(run.waitFor(60, TimeUnit.SECONDS)).as(Files.readString(log)).isTrue();
        assertThat(run.exitValue()).as(Files.readString(log)).isEqualTo(INTERRUPTED);
        assertThat(Files.readString(log))
                .contains("Turn cancelled", "tokens revoked", "Interrupted: the turn was cancelled");
        assertThat(Leftovers.of(directory)).isEmpty();
    }

    @Test
    void endsWithTheRunThatStartedItWhenThatIsKilled() throws Exception {
        Path log = Files.createFile(directory.resolve("run.log"));
        Process run = Command.start(
                directory,
                log,
                LocalStack.environment(directory),
                "run",
                "--offline",
                "rehearse:sleep=60 into late.txt");
        awaitIn(log, "Sandbox ready");
        run.destroyForcibly();
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> assertThat(Leftovers.of(directory)).isEmpty());
    }

    @Test
    void saysThatTheModelProviderRefusesTheKey() throws Exception {
        HttpServer provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        provider.createContext("/", exchange -> {
            byte[] refusal =
                    "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}"
                            .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(401, refusal.length);
            exchange.getResponseBody().write(refusal);
            exchange.close();
        });
        provider.start();
        try {
            Map<String, String> environment = LocalStack.environment(directory);
            environment.put("ANTHROPIC_API_KEY", "sk-ant-wrong");
            environment.put(
                    "ANTHROPIC_BASE_URL",
                    "http://127.0.0.1:" + provider.getAddress().getPort());
            Command.Result run = Command.run(directory, environment, "run", "--offline", "Say hello");
            assertThat(run.exitCode()).as(run.output()).isEqualTo(TURN_FAILED);
            assertThat(run.output())
                    .contains("Turn failed: ", "refused the key (HTTP 401). Check ANTHROPIC_API_KEY.")
                    .doesNotContain("sk-ant-wrong", "Exception");
            assertThat(Leftovers.of(directory)).isEmpty();
        } finally {
            provider.stop(0);
        }
    }

    private static void awaitIn(Path log, String text) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(90))
                .untilAsserted(() -> assertThat(log).content().contains(text));
    }

    private static void interrupt(Process process) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    }
}
