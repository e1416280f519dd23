package dev.skerry.cli.stack;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The Python that runs sandboxes on this machine.
 *
 * @param executable the interpreter itself, not a shim in front of it
 * @param prefix the directory of its installation
 */
public record Python(Path executable, Path prefix, String version) {
    private static final int MAJOR = 3;
    private static final int LEAST_MINOR = 10;
    private static final String ASK =
            "import sys, os; print(sys.version_info[0], sys.version_info[1]); print(os.path.realpath(sys.executable)); print(sys.base_prefix)";

    /** Fails with what to do when there is no python3 of 3.10 or newer on PATH. */
    public static Python find() {
        try {
            Process process = new ProcessBuilder("python3", "-c", ASK)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0) {
                return parse(said.lines().toList());
            }
        } catch (IOException e) {
            throw missing(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw missing(null);
    }

    private static Python parse(List<String> lines) {
        String[] version = lines.getFirst().split(" ", -1);
        int minor = Integer.parseInt(version[1]);
        if (Integer.parseInt(version[0]) != MAJOR || minor < LEAST_MINOR) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "python3 is " + version[0] + "." + version[1] + ", and sandboxes need 3.10 or newer.",
                    "Install a newer python3 and put it first on PATH.");
        }
        return new Python(Path.of(lines.get(1)), Path.of(lines.get(2)), "3." + minor);
    }

    private static Failure missing(@org.jspecify.annotations.Nullable Throwable cause) {
        return new Failure(
                ExitCode.NO_STACK,
                "python3 is not on PATH, and sandboxes on this machine need it (3.10 or newer).",
                "Install it (Debian, Ubuntu: apt install python3), then run the same command again.",
                cause);
    }
}
