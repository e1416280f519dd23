package dev.skerry.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The built {@code skerry} as a process of its own. */
public final class Command {
    private static final long PATIENCE_SECONDS = 120;

    private Command() {}

    public record Result(int exitCode, String output) {}

    /**
     * {@code directory} takes the launcher by which the program starts itself again. What ran the tests may ignore Ctrl-C; a person's
     * shell does not.
     */
    static Process start(Path directory, Path log, Map<String, String> environment, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dskerry.launcher=" + launcher(directory),
                "-jar",
                Distribution.jar().toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        List.of("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "SKERRY_URL", "SKERRY_API_KEY")
                .forEach(builder.environment()::remove);
        builder.environment().putAll(environment);
        builder.redirectErrorStream(true).redirectOutput(log.toFile());
        return builder.start();
    }

    static Result run(Path directory, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        Path log = Files.createTempFile(directory, "command", ".log");
        Process process = start(directory, log, environment, arguments);
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(
                    "skerry " + List.of(arguments) + " did not end; it said:\n" + Files.readString(log));
        }
        return new Result(process.exitValue(), Files.readString(log));
    }

    private static Path launcher(Path directory) throws IOException {
        Path launcher = directory.resolve("skerry");
        if (!Files.exists(launcher)) {
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            Files.writeString(launcher, """
                    #!/bin/sh
                    exec "%s" -XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED \
                      --sun-misc-unsafe-memory-access=allow -jar "%s" "$@"
                    """.formatted(java, Distribution.jar()));
            Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwx------"));
        }
        return launcher;
    }
}
