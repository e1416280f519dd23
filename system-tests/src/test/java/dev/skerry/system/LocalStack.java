package dev.skerry.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** A stack that {@code skerry up} keeps on this machine, in a directory of its own. */
final class LocalStack implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(90);

    private final Path directory;
    private final Process process;
    private final Path log;

    private LocalStack(Path directory, Process process, Path log) {
        this.directory = directory;
        this.process = process;
        this.log = log;
    }

    static LocalStack up(Path directory, String... arguments) throws IOException {
        return up(directory, Map.of(), arguments);
    }

    static LocalStack up(Path directory, Map<String, String> more, String... arguments) throws IOException {
        Path log = Files.createTempFile(directory, "up", ".log");
        String[] command = new String[arguments.length + 2];
        command[0] = "up";
        command[1] = "--offline";
        System.arraycopy(arguments, 0, command, 2, arguments.length);
        Map<String, String> environment = environment(directory);
        environment.putAll(more);
        LocalStack stack = new LocalStack(directory, Command.start(directory, log, environment, command), log);
        stack.awaitSaying("Ctrl-C stops everything.");
        return stack;
    }

    static Map<String, String> environment(Path directory) {
        return new HashMap<>(Map.of("SKERRY_HOME", directory.resolve("home").toString()));
    }

    /** Waits until {@code skerry up} has printed this. */
    void awaitSaying(String text) {
        Awaitility.await().atMost(START).until(() -> {
            if (!process.isAlive() && !said().contains(text)) {
                throw new AssertionError("skerry up ended with " + process.exitValue() + ":\n" + said());
            }
            return said().contains(text);
        });
    }

    String said() throws IOException {
        return Files.readString(log);
    }

    Command.Result skerry(String... arguments) throws IOException, InterruptedException {
        return Command.run(directory, environment(directory), arguments);
    }

    /** As a crash would: nothing of it gets a chance to clear up. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    int awaitEnd() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new AssertionError("skerry up does not end");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.onExit().orTimeout(60, TimeUnit.SECONDS).join();
        } catch (CompletionException e) {
            process.destroyForcibly();
        }
    }
}
