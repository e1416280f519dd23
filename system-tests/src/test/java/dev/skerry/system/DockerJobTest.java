package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.TestingDocker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The main job in containers of a real engine, in an image that was made without a registry. */
@Timeout(240)
class DockerJobTest {
    private static final Pattern SESSION = Pattern.compile("ses_[0-9A-Z]{26}");

    @TempDir
    private static Path directory;

    private static LocalStack stack;

    @BeforeAll
    static void start() throws Exception {
        TestingDocker.image();
        stack = LocalStack.up(directory, "--driver", "docker");
    }

    @AfterAll
    static void stop() throws Exception {
        if (stack != null) {
            stack.skerry("down");
            stack.awaitEnd();
            assertThat(containers("status=running", "status=paused", "status=exited"))
                    .isEmpty();
        }
    }

    @Test
    void takesATaskFromNothingToGone() throws Exception {
        Command.Result run = stack.skerry(
                "run", "--driver", "docker", "Write a haiku about lighthouses into haiku.txt and show me the file");
        assertThat(run.exitCode()).as(run.output()).isZero();
        assertThat(run.output()).contains("Sandbox ready (docker, ", " 0 failed", "Done", "tokens revoked");
        String session = sessionIn(run.output());
        assertThat(containersOf(session, "running")).isEmpty();
        assertThat(stack.skerry("session", "files", "pull", session, "haiku.txt", "-o", "-")
                        .output())
                .contains("turning light");
    }

    @Test
    void isolatesWhatIsDocumented() throws Exception {
        Command.Result doctor = stack.skerry("doctor", "--sandbox", "--json");
        assertThat(IsolationTest.answersIn(doctor, "docker")).isEqualTo(IsolationTest.documented("docker"));
    }

    @Test
    void givesAHijackedToolNothing() throws Exception {
        Attack.demandNothingGot(stack.skerry("run", Attack.task()));
    }

    @Test
    void suspendsWakesAndRemembers() throws Exception {
        Command.Result run = stack.skerry("run", "--keep", "--idle-timeout", "2s", "Start a list in lights.txt");
        assertThat(run.exitCode()).as(run.output()).isZero();
        String session = sessionIn(run.output());
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> !containersOf(session, "paused").isEmpty());

        Command.Result sent = stack.skerry("session", "send", session, "Add one more line");
        assertThat(sent.exitCode()).as(sent.output()).isZero();
        assertThat(sent.output()).contains("Resumed", "I remember 1 earlier turn(s)");
        assertThat(stack.skerry("session", "delete", session).exitCode()).isZero();
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> containersOf(session, "running").isEmpty()
                        && containersOf(session, "paused").isEmpty());
    }

    @Test
    void goesOnInANewContainerWhenTheFirstIsKilledInMidTurn() throws Exception {
        String session = sessionIn(stack.skerry("session", "create", "rehearse:sleep=3 into survivor.txt")
                .output());
        awaitEvent(session, "tool.started");
        List<String> first = containersOf(session, "running");
        assertThat(first).hasSize(1);
        TestingDocker.docker("kill", first.getFirst());

        awaitEvent(session, "turn.completed");
        assertThat(events(session)).contains("was killed; the turn goes on in a new one");
        assertThat(stack.skerry("session", "delete", session).exitCode()).isZero();
    }

    @Test
    void outlivesAForkBomb() throws Exception {
        assertThat(
                        survives(
                                "python3 -c 'import os; [os.fork() for _ in range(40)]' 2>&1 | sort | uniq -c | tail -2; echo alive"))
                .contains("Resource temporarily unavailable", "alive");
    }

    @Test
    void endsTheToolThatTakesAllMemoryAndNotTheSandbox() throws Exception {
        assertThat(survives("python3 -c 'x = b\"x\" * 2**30'; echo code $?")).contains("code 137");
    }

    @Test
    void saysThatTheDiskIsFullInBytesAndInFiles() throws Exception {
        assertThat(survives("head -c 1G /dev/zero > big; echo code $?; rm big"))
                .contains("No space left on device", "code 1");
        assertThat(survives("mkdir many; cd many; seq 100000 | xargs touch 2>&1 | tail -1; echo alive"))
                .contains("No space left on device", "alive");
    }

    @Test
    void keepsTheEndsOfAGigabyteOfOutput() throws Exception {
        assertThat(survives("echo first; head -c 1G /dev/zero | tr '\\0' x; echo; echo last"))
                .contains("first", "last")
                .hasSizeLessThan(200_000);
    }

    @Test
    void isNotHeldUpByAToolThatIgnoresSignals() throws Exception {
        assertThat(survives("(trap '' TERM INT HUP; while :; do sleep 1; done) & echo left"))
                .contains("left", "tokens revoked");
    }

    /** Runs a command as a tool and answers what a person sees; the same sandbox must carry the turn to its end. */
    private static String survives(String command) throws Exception {
        Command.Result run = stack.skerry("run", "rehearse:run=" + command);
        assertThat(run.exitCode()).as(run.output()).isZero();
        assertThat(run.output()).contains("Done", "Sandbox destroyed").doesNotContain("Sandbox lost");
        assertThat(containersOf(sessionIn(run.output()), "running")).isEmpty();
        return run.output();
    }

    private static void awaitEvent(String session, String type) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(500))
                .until(() -> events(session).contains(type));
    }

    private static String events(String session) throws Exception {
        return stack.skerry("session", "events", session).output();
    }

    private static List<String> containersOf(String session, String status) {
        return lines(TestingDocker.docker(
                "ps", "-a", "-q", "--filter", "label=dev.skerry.session=" + session, "--filter", "status=" + status));
    }

    private static List<String> containers(String... filters) {
        return List.of(filters).stream()
                .flatMap(filter -> lines(TestingDocker.docker(
                                "ps", "-a", "-q", "--filter", "label=dev.skerry.session", "--filter", filter))
                        .stream())
                .toList();
    }

    private static List<String> lines(String text) {
        return text.lines().filter(line -> !line.isBlank()).toList();
    }

    private static String sessionIn(String output) {
        Matcher matcher = SESSION.matcher(output);
        assertThat(matcher.find()).as(output).isTrue();
        return matcher.group();
    }
}
