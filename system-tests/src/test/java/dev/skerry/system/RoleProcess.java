package dev.skerry.system;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * One role as a process of its own, as production runs it: the built distribution, settings in the environment. Only the compiler is not
 * production's, because tests want a fast start; in benchmarks it is.
 */
final class RoleProcess implements AutoCloseable {
    private final ProcessBuilder builder;
    private final Path log;
    private Process process;

    private RoleProcess(ProcessBuilder builder, Path log) throws IOException {
        this.builder = builder;
        this.log = log;
        this.process = builder.start();
    }

    /** Starts it; of processes with one role, each needs a name of its own. */
    static RoleProcess start(String name, String role, Path directory, Map<String, String> settings)
            throws IOException {
        Path log = directory.resolve(name + ".log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:+UseSerialGC"));
        if (!Boolean.getBoolean("skerry.bench")) {
            command.add("-XX:TieredStopAtLevel=1");
        }
        command.addAll(List.of("-jar", Distribution.jar().toString(), role));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(settings);
        builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        return new RoleProcess(builder, log);
    }

    boolean alive() {
        return process.isAlive();
    }

    /** Everything that the role logged. */
    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As a crash would. */
    void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    /** Starts it again as it was started. */
    void restart() throws IOException {
        process = builder.start();
    }

    private void awaitEnd() {
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }

    @Override
    public void close() {
        process.destroy();
        awaitEnd();
    }
}
