package dev.skerry.cli.stack;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** The stack's own Postgres, its data kept across restarts and crashes: an embedded one trades that for speed unless told not to. */
final class Postgres implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration LEFTOVER = Duration.ofSeconds(15);

    private final EmbeddedPostgres server;

    private Postgres(EmbeddedPostgres server) {
        this.server = server;
    }

    static Postgres start(Home home) {
        Path data = home.postgres().resolve("data");
        try {
            Files.createDirectories(home.postgres());
            endLeftover(data);
            return new Postgres(EmbeddedPostgres.builder()
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setOverrideWorkingDirectory(
                            home.postgres().resolve("server").toFile())
                    .setPort(Ports.free())
                    .setServerConfig("synchronous_commit", "on")
                    .setServerConfig("fsync", "on")
                    .setPGStartupWait(PATIENCE)
                    .start());
        } catch (IOException | IllegalStateException e) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "The embedded Postgres in " + home.postgres() + " does not start.",
                    "Look at the log in " + home.log() + ", or set SKERRY_HOME to a fresh directory.",
                    e);
        }
    }

    /** A Postgres that a killed stack left behind still owns the data; it is recognised by them. */
    private static void endLeftover(Path data) throws IOException {
        Path pidFile = data.resolve("postmaster.pid");
        if (!Files.exists(pidFile)) {
            return;
        }
        String first =
                Files.readAllLines(pidFile).stream().findFirst().orElse("").strip();
        if (first.matches("\\d{1,9}")) {
            ProcessHandle.of(Long.parseLong(first))
                    .filter(process -> commandLine(process.pid()).contains(data.toString()))
                    .ifPresent(process -> Processes.end(process, LEFTOVER));
        }
        Files.deleteIfExists(pidFile);
    }

    private static String commandLine(long pid) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"));
        } catch (IOException e) {
            return "";
        }
    }

    String url() {
        return "jdbc:postgresql://127.0.0.1:" + server.getPort() + "/postgres";
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
