package dev.skerry.cli.stack;

import dev.skerry.cli.Home;
import dev.skerry.cli.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * What a running stack writes down, so that other commands find it and the next start clears up after a crash.
 *
 * @param process the stack itself
 * @param children servers that it started as processes of their own
 * @param temporalUi null when there is no Web UI
 * @param driver what its sandboxes are made of
 */
public record StackFile(
        Running process,
        List<Running> children,
        String apiUrl,
        String temporal,
        @Nullable String temporalUi,
        boolean durable,
        String isolation,
        Stack.@Nullable Driver driver,
        String version) {

    /** A process, told apart from a later one with the same id by its start time in milliseconds since 1970. */
    public record Running(String name, long pid, long startedAt) {
        static Running of(String name, ProcessHandle process) {
            return new Running(name, process.pid(), started(process));
        }

        /** Empty when it has ended. */
        public Optional<ProcessHandle> find() {
            return ProcessHandle.of(pid).filter(found -> found.isAlive() && started(found) == startedAt);
        }

        private static long started(ProcessHandle process) {
            return process.info()
                    .startInstant()
                    .map(java.time.Instant::toEpochMilli)
                    .orElse(0L);
        }
    }

    /** Empty when there is none, or none that can be read. */
    public static Optional<StackFile> read(Home home) {
        try {
            return Optional.of(Json.MAPPER.readValue(Files.readAllBytes(home.stackFile()), StackFile.class));
        } catch (IOException | JacksonException e) {
            return Optional.empty();
        }
    }

    /** The stack that runs right now. */
    public static Optional<StackFile> running(Home home) {
        return read(home).filter(stack -> stack.process().find().isPresent());
    }

    /** Who has this home for a stack, from the first moment of its start to the last of its end; empty when nobody has. */
    public static Optional<ProcessHandle> holder(Home home) {
        try {
            return Json.MAPPER
                    .readValue(Files.readAllBytes(lock(home)), Running.class)
                    .find();
        } catch (IOException | JacksonException e) {
            return Optional.empty();
        }
    }

    static Path lock(Home home) {
        return home.root().resolve("stack.lock");
    }

    void write(Home home) throws IOException {
        Path fresh = home.root().resolve("stack.json.new");
        Files.write(fresh, Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
        Files.move(fresh, home.stackFile(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
