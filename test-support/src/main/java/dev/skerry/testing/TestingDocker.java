package dev.skerry.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real Docker Engine with the sandbox image of these sources; tests that need it are skipped where none answers. */
public final class TestingDocker {
    private static final long ASK_SECONDS = 120;
    private static final String IMAGE = "skerry/sandbox:test";

    private TestingDocker() {}

    /** The image's name; the first call of a machine builds it. */
    public static synchronized String image() {
        Required.server("docker", answers(), "no Docker Engine answers `docker version`");
        Path build = sources().resolve("sandbox-image/build");
        run(List.of("python3", build.toString(), "docker", "--tag", IMAGE));
        return IMAGE;
    }

    /** What {@code docker} says, both streams, whatever its exit code. */
    public static String docker(String... arguments) {
        List<String> command = new ArrayList<>(List.of("docker"));
        command.addAll(List.of(arguments));
        return output(command).said();
    }

    private static boolean answers() {
        try {
            return output(List.of("docker", "version", "--format", "{{.Server.Version}}"))
                            .code()
                    == 0;
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static void run(List<String> command) {
        Output output = output(command);
        if (output.code() != 0) {
            throw new IllegalStateException(String.join(" ", command) + " failed:\n" + output.said());
        }
    }

    private record Output(int code, String said) {}

    private static Output output(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(ASK_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            return new Output(process.waitFor(), said);
        } catch (IOException e) {
            throw new IllegalStateException(String.join(" ", command) + " cannot be started", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static Path sources() {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.exists(folder.resolve("sandbox-image/build"))) {
            folder = folder.getParent();
        }
        if (folder == null) {
            throw new IllegalStateException(
                    "sandbox-image/build is not above " + Path.of("").toAbsolutePath());
        }
        return folder;
    }
}
