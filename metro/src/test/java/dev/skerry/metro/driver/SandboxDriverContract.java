package dev.skerry.metro.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.metro.driver.Sandbox.Condition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a metro may rely on, whatever its sandboxes are. */
public abstract class SandboxDriverContract {
    private static final Duration NOT_MOVING = Duration.ofMillis(400);

    @TempDir
    protected Path directory;

    private final List<Sandbox> started = new ArrayList<>();

    /** A fresh driver, as a restarted metro makes it. */
    protected abstract SandboxDriver driver();

    /** Prints {@code hello GREETING=$GREETING}, then {@code tick 1}, {@code tick 2}, ... every 50 ms; ends by itself at SIGTERM. */
    protected abstract Image counting();

    /** Prints {@code bye} and ends with exit code 3 where the driver can see one. */
    protected abstract Image ending();

    /** Cannot boot, since what it names is not there. */
    protected abstract Image missing();

    /** How long a boot may take on a slow machine. */
    protected Duration patience() {
        return Duration.ofSeconds(10);
    }

    @AfterEach
    void endEverything() {
        started.forEach(sandbox -> sandbox.end(Duration.ZERO));
    }

    @Test
    void bootsWithTheGivenEnvironmentAndWritesToItsConsole() throws IOException {
        Launch launch = launch("one", counting());
        Sandbox sandbox = start(launch);
        awaitConsole(launch, "hello GREETING=ahoy");
        assertThat(sandbox.condition()).isEqualTo(Condition.RUNNING);
        assertThat(sandbox.usage().residentBytes()).isPositive();
    }

    @Test
    void theEnvironmentIsNotInACommandLine() throws IOException {
        Launch launch = launch("quiet", counting());
        start(launch);
        awaitConsole(launch, "tick");
        assertThat(commandLines()).noneMatch(line -> line.contains("GREETING=ahoy"));
    }

    @Test
    void aFrozenOneStandsStillAndGoesOnWhereItWas() throws IOException {
        Launch launch = launch("two", counting());
        Sandbox sandbox = start(launch);
        awaitConsole(launch, "tick 2\n");
        sandbox.freeze();
        assertThat(sandbox.condition()).isEqualTo(Condition.FROZEN);
        long ticks = ticks(launch);
        Awaitility.await().during(NOT_MOVING).until(() -> ticks(launch) == ticks);
        sandbox.thaw();
        assertThat(sandbox.condition()).isEqualTo(Condition.RUNNING);
        awaitConsole(launch, "tick " + (ticks + 3) + "\n");
        assertThat(console(launch)).containsOnlyOnce("hello");
    }

    @Test
    void freezingAndThawingTwiceIsTheSameAsOnce() throws IOException {
        Launch launch = launch("three", counting());
        Sandbox sandbox = start(launch);
        awaitConsole(launch, "tick");
        sandbox.freeze();
        sandbox.freeze();
        assertThat(sandbox.condition()).isEqualTo(Condition.FROZEN);
        sandbox.thaw();
        sandbox.thaw();
        assertThat(sandbox.condition()).isEqualTo(Condition.RUNNING);
    }

    @Test
    void freezingIsNoExit() throws IOException {
        Launch launch = launch("four", counting());
        Sandbox sandbox = start(launch);
        List<Exit> exits = new CopyOnWriteArrayList<>();
        sandbox.onExit(exits::add);
        awaitConsole(launch, "tick");
        sandbox.freeze();
        sandbox.thaw();
        sandbox.end(Duration.ofSeconds(2));
        Awaitility.await().during(NOT_MOVING).until(exits::isEmpty);
    }

    @Test
    void tellsOnceWhenItEndsByItself() throws IOException {
        Launch launch = launch("five", ending());
        Sandbox sandbox = start(launch);
        List<Exit> exits = new CopyOnWriteArrayList<>();
        sandbox.onExit(exits::add);
        Awaitility.await().atMost(patience()).until(() -> !exits.isEmpty());
        assertThat(exits).hasSize(1);
        assertThat(sandbox.condition()).isEqualTo(Condition.ENDED);
        assertThat(console(launch)).contains("bye");
        assertThat(sandbox.usage()).isEqualTo(Usage.NONE);
    }

    @Test
    void tellsOfAnEndThatHappensAfterAThaw() throws IOException {
        Launch launch = launch("five-b", counting());
        Sandbox sandbox = start(launch);
        List<Exit> exits = new CopyOnWriteArrayList<>();
        sandbox.onExit(exits::add);
        awaitConsole(launch, "tick");
        sandbox.freeze();
        sandbox.thaw();
        kill(launch);
        Awaitility.await().atMost(patience()).until(() -> exits.size() == 1);
        assertThat(sandbox.condition()).isEqualTo(Condition.ENDED);
    }

    @Test
    void endingLeavesNothingAndMayBeAskedTwice() throws IOException {
        Launch launch = launch("six", counting());
        Sandbox sandbox = start(launch);
        awaitConsole(launch, "tick");
        sandbox.end(Duration.ofSeconds(2));
        assertThat(sandbox.condition()).isEqualTo(Condition.ENDED);
        sandbox.end(Duration.ZERO);
        assertThat(processesIn(launch)).isEmpty();
    }

    @Test
    void aFrozenOneCanBeEnded() throws IOException {
        Launch launch = launch("seven", counting());
        Sandbox sandbox = start(launch);
        awaitConsole(launch, "tick");
        sandbox.freeze();
        sandbox.end(Duration.ZERO);
        assertThat(sandbox.condition()).isEqualTo(Condition.ENDED);
        assertThatThrownBy(sandbox::thaw).isInstanceOf(IOException.class);
        assertThat(processesIn(launch)).isEmpty();
    }

    @Test
    void anotherMetroFindsARunningOneAgain() throws IOException {
        Launch launch = launch("eight", counting());
        start(launch);
        awaitConsole(launch, "tick");
        Sandbox found = driver().find(launch);
        assertThat(found.condition()).isEqualTo(Condition.RUNNING);
        List<Exit> exits = new CopyOnWriteArrayList<>();
        found.onExit(exits::add);
        kill(launch);
        Awaitility.await().atMost(patience()).until(() -> exits.size() == 1);
    }

    @Test
    void anotherMetroFindsAFrozenOneAgainAndThawsIt() throws IOException {
        Launch launch = launch("nine", counting());
        start(launch).freeze();
        Sandbox found = driver().find(launch);
        started.add(found);
        assertThat(found.condition()).isEqualTo(Condition.FROZEN);
        found.thaw();
        awaitConsole(launch, "tick 3\n");
        assertThat(console(launch)).containsOnlyOnce("hello");
    }

    @Test
    void findsNothingWhereNothingWasStarted() throws IOException {
        Sandbox found = driver().find(launch("ten", counting()));
        assertThat(found.condition()).isEqualTo(Condition.ENDED);
        List<Exit> exits = new CopyOnWriteArrayList<>();
        found.onExit(exits::add);
        Awaitility.await().until(() -> exits.size() == 1);
        assertThatCode(() -> found.end(Duration.ZERO)).doesNotThrowAnyException();
    }

    @Test
    void whatCannotBootFailsOrEndsAndLeavesNothing() throws IOException {
        Launch launch = launch("eleven", missing());
        try {
            Sandbox sandbox = start(launch);
            Awaitility.await().atMost(patience()).until(() -> sandbox.condition() == Condition.ENDED);
        } catch (IOException e) {
            assertThat(e).hasMessageNotContaining("ahoy");
        }
        assertThat(processesIn(launch)).isEmpty();
    }

    @Test
    void theConsoleMayBeCutWhileItRuns() throws IOException {
        Launch launch = launch("twelve", counting());
        start(launch);
        awaitConsole(launch, "tick 2\n");
        Files.newByteChannel(launch.console(), java.nio.file.StandardOpenOption.WRITE)
                .truncate(0)
                .close();
        Awaitility.await().atMost(patience()).until(() -> console(launch).startsWith("tick "));
    }

    protected final Launch launch(String name, Image image) throws IOException {
        Path own = Files.createDirectories(directory.resolve(name).resolve("sandbox"));
        return new Launch(
                name,
                image,
                List.of(),
                Map.of("GREETING", "ahoy", "PATH", "/usr/bin:/bin"),
                256,
                1,
                Map.of(),
                own,
                directory.resolve(name).resolve("console.log"));
    }

    private Sandbox start(Launch launch) throws IOException {
        Sandbox sandbox = driver().start(launch);
        started.add(sandbox);
        return sandbox;
    }

    private void awaitConsole(Launch launch, String text) {
        Awaitility.await().atMost(patience()).until(() -> console(launch).contains(text));
    }

    private static String console(Launch launch) throws IOException {
        return Files.exists(launch.console())
                ? Files.readString(launch.console()).replace("\r", "")
                : "";
    }

    private static long ticks(Launch launch) throws IOException {
        return console(launch).lines().filter(line -> line.startsWith("tick ")).count();
    }

    /** Kills every process of the sandbox, as a crash would. */
    private static void kill(Launch launch) throws IOException {
        for (ProcessHandle process : processesIn(launch)) {
            process.destroyForcibly();
        }
    }

    /** Processes of this machine that name the launch's directory or work in it, and what they started. */
    private static List<ProcessHandle> processesIn(Launch launch) throws IOException {
        List<ProcessHandle> found = new ArrayList<>();
        for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
            Path entry = Path.of("/proc", Long.toString(process.pid()));
            try {
                boolean worksThere =
                        Files.readSymbolicLink(entry.resolve("cwd")).startsWith(launch.directory());
                boolean namesIt = Files.readString(entry.resolve("cmdline"))
                        .contains(launch.directory().toString());
                if (process.pid() != ProcessHandle.current().pid() && (worksThere || namesIt)) {
                    found.add(process);
                }
            } catch (IOException e) {
                continue;
            }
        }
        return found;
    }

    private static List<String> commandLines() throws IOException {
        List<String> lines = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path entry : entries) {
                try {
                    lines.add(Files.readString(entry.resolve("cmdline")));
                } catch (IOException e) {
                    continue;
                }
            }
        }
        return lines;
    }
}
