package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.FreePort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What cannot work is said in one sentence with what to do next, and leaves nothing running. */
@Timeout(120)
class WrongUseTest {
    private static final int WRONG_COMMAND_LINE = 2;
    private static final int NO_STACK = 3;

    @TempDir
    private Path directory;

    @Test
    void namesAnUnknownOptionAndWhereToLook() throws Exception {
        refused(WRONG_COMMAND_LINE, Map.of(), "run", "--modle", "x", "hello")
                .containsExactly(
                        "skerry: Unknown option '--modle'.", "  Did you mean --model? See `skerry run --help`.");
    }

    @Test
    void namesAnUnknownCommand() throws Exception {
        refused(WRONG_COMMAND_LINE, Map.of(), "rnu", "hello")
                .containsExactly("skerry: Unknown command 'rnu'.", "  See `skerry --help`.");
    }

    @Test
    void namesAValueThatIsNone() throws Exception {
        refused(WRONG_COMMAND_LINE, Map.of(), "run", "--max-cost", "much", "hello")
                .containsExactly(
                        "skerry: Invalid value for option '--max-cost': cannot convert 'much' to BigDecimal.",
                        "  See `skerry run --help`.");
    }

    @Test
    void refusesAnEmptyTask() throws Exception {
        refused(WRONG_COMMAND_LINE, Map.of(), "run", " ")
                .containsExactly("skerry: The task is empty.", "  Say what to do: skerry run \"Write ...\"");
    }

    @Test
    void saysThatNothingAnswersAtTheAddressGiven() throws Exception {
        int nobody = FreePort.find();
        refused(NO_STACK, Map.of("SKERRY_URL", "http://127.0.0.1:" + nobody), "run", "hello")
                .containsExactly(
                        "skerry: Nothing answers at SKERRY_URL http://127.0.0.1:" + nobody + "/.",
                        "  Start it, correct SKERRY_URL, or unset it to use a stack of this machine.");
    }

    @Test
    void saysThatThePortIsTaken() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = Integer.toString(taken.getLocalPort());
            refused(NO_STACK, Map.of(), "run", "--port", port, "hello")
                    .endsWith(
                            "skerry: Port " + port + " is taken by another program.",
                            "  Choose another one with --port, or leave it out.");
        }
    }

    @Test
    void asksForPython() throws Exception {
        Path programs = Files.createDirectory(directory.resolve("programs"));
        for (String program : List.of("sh", "setsid", "env")) {
            Files.createSymbolicLink(
                    programs.resolve(program), Path.of("/usr/bin", program).toRealPath());
        }
        refused(NO_STACK, Map.of("PATH", programs.toString()), "run", "hello")
                .endsWith(
                        "skerry: python3 is not on PATH, and sandboxes on this machine need it (3.10 or newer).",
                        "  Install it (Debian, Ubuntu: apt install python3), then run the same command again.");
    }

    @Test
    void refusesToStartOnAFullDisk() throws Exception {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        mount(disk, "size=20m");
        try {
            refused(NO_STACK, Map.of("SKERRY_HOME", disk.resolve("home").toString()), "run", "hello")
                    .endsWith(
                            "skerry: The disk that holds " + disk.resolve("home")
                                    + " is full: 20 MB are free, 300 MB are needed.",
                            "  Make room there, or set SKERRY_HOME to a directory on another disk.");
        } finally {
            run("umount", disk.toString());
        }
    }

    @Test
    void refusesAHomeThatCannotBeWritten() throws Exception {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        mount(disk, "ro");
        try {
            refused(NO_STACK, Map.of("SKERRY_HOME", disk.resolve("home").toString()), "run", "hello")
                    .endsWith(
                            "skerry: Skerry cannot write to its home " + disk.resolve("home")
                                    + " (Read-only file system).",
                            "  Make it writable, or set SKERRY_HOME to a directory that is.");
        } finally {
            run("umount", disk.toString());
        }
    }

    @Test
    void saysThatNoStackRuns() throws Exception {
        refused(NO_STACK, Map.of(), "session", "list")
                .containsExactly(
                        "skerry: No stack runs on this machine.",
                        "  Start one with `skerry up`, or set SKERRY_URL to one that runs elsewhere.");
    }

    private org.assertj.core.api.ListAssert<String> refused(
            int exitCode, Map<String, String> environment, String... arguments) throws Exception {
        Map<String, String> settings =
                new HashMap<>(Map.of("SKERRY_HOME", directory.resolve("home").toString()));
        settings.putAll(environment);
        Command.Result result = Command.run(directory, settings, arguments);
        assertThat(result.exitCode()).as(result.output()).isEqualTo(exitCode);
        assertThat(result.output()).doesNotContain("Exception", "\tat ");
        assertThat(Leftovers.of(directory)).isEmpty();
        return assertThat(result.output().lines().toList());
    }

    private static void mount(Path place, String option) throws IOException, InterruptedException {
        boolean mounted = run("mount", "-t", "tmpfs", "-o", option, "tmpfs", place.toString());
        if (!mounted) {
            System.out.println("SKIPPED: a small disk can be mounted by root only");
        }
        Assumptions.assumeTrue(mounted, "a small disk can be mounted by root only");
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getInputStream().readAllBytes();
        return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    }
}
