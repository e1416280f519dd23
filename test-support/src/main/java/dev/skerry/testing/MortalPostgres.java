package dev.skerry.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A real Postgres with data of its own, so that it may be killed and started again where it was. */
public final class MortalPostgres implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(60);

    private final List<String> command;
    private final File log;
    private final int port;
    private Process process;

    private MortalPostgres(List<String> command, File log, int port) throws IOException {
        this.command = command;
        this.log = log;
        this.port = port;
        this.process = launch();
    }

    /** Keeps its data and its log in the directory. */
    public static MortalPostgres start(Path directory) throws IOException {
        Files.createDirectories(directory);
        Path data = directory.resolve("postgres");
        int port = FreePort.find();
        List<String> command = new ArrayList<>();
        try (EmbeddedPostgres first = EmbeddedPostgres.builder()
                .setDataDirectory(data)
                .setCleanDataDirectory(false)
                .setPort(port)
                .setPGStartupWait(START)
                .start()) {
            if (first.getPort() != port) {
                throw new IllegalStateException("Postgres listens elsewhere.");
            }
            command.addAll(commandOf(Files.readAllLines(data.resolve("postmaster.pid"))
                    .getFirst()
                    .strip()));
        }
        return new MortalPostgres(command, directory.resolve("postgres.log").toFile(), port);
    }

    /**
     * What is committed has to outlive the process, which an embedded Postgres gives up by default. Postgres refuses to run as root; in a
     * user namespace of its own nobody is root.
     */
    private static List<String> commandOf(String pid) throws IOException {
        List<String> command = new ArrayList<>();
        if ("root".equals(System.getProperty("user.name"))) {
            command.addAll(List.of("unshare", "-U"));
        }
        Path process = Path.of("/proc", pid);
        command.add(Files.readSymbolicLink(process.resolve("exe")).toString());
        List<String> arguments =
                List.of(Files.readString(process.resolve("cmdline")).split("\0", -1));
        command.addAll(arguments.subList(1, arguments.size() - 1));
        command.addAll(List.of("-c", "synchronous_commit=on"));
        return command;
    }

    /** JDBC URL; its user is {@code postgres}, without a password. */
    public String url() {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
    }

    int port() {
        return port;
    }

    /** As a crash would. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Starts it again where it was. */
    public void restart() throws IOException {
        process = launch();
    }

    /** A new one is refused while processes of a killed one still hold its memory: it is tried again. */
    private Process launch() throws IOException {
        Instant deadline = Instant.now().plus(START);
        Process started = begin();
        while (!answers()) {
            if (Instant.now().isAfter(deadline)) {
                throw new IllegalStateException("Postgres did not start:\n" + Files.readString(log.toPath()));
            }
            if (!started.isAlive()) {
                started = begin();
            }
            pause();
        }
        return started;
    }

    private Process begin() throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(Redirect.appendTo(log))
                .start();
    }

    private boolean answers() {
        try (var connection = DriverManager.getConnection(url(), "postgres", "")) {
            return connection.isValid(1);
        } catch (SQLException e) {
            return false;
        }
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
