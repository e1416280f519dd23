package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.LocalProcess;
import dev.skerry.metro.driver.Usage;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One running QEMU; it works in the sandbox's directory, where its sockets are.
 *
 * <p>The sockets are reached by way of /proc, because the path of a socket may have only 107 bytes.
 *
 * @param process null when an earlier metro started it
 */
record Vm(LocalProcess identity, @Nullable Process process) {
    static final Duration SHORTLY = Duration.ofMillis(200);
    private static final Duration LISTENS = Duration.ofSeconds(3);
    private static final Duration LOOK = Duration.ofMillis(2);
    private static final int LONGEST_ID = 10;
    private static final Pattern EXTENDED_FEATURES = Pattern.compile("EFER=([0-9a-f]{16})");
    private static final long LONG_MODE_ACTIVE = 1 << 10;

    /** The one that runs in a directory: its id is in a file that QEMU wrote itself, and it still works there. */
    static Optional<Vm> in(Path directory) {
        try {
            String id = Files.readString(directory.resolve(VmDirectory.PID)).strip();
            if (id.length() > LONGEST_ID || !id.matches("[0-9]+")) {
                return Optional.empty();
            }
            Path works = Files.readSymbolicLink(Path.of("/proc", id, "cwd"));
            return works.equals(directory.toRealPath())
                    ? LocalProcess.of(Long.parseLong(id))
                            .filter(LocalProcess::alive)
                            .map(found -> new Vm(found, null))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    static Vm of(Process process) {
        return new Vm(LocalProcess.of(process.pid()).orElse(new LocalProcess(process.pid(), 0)), process);
    }

    boolean alive() {
        return process == null ? identity.alive() : process.isAlive();
    }

    Qmp monitor(Duration deadline) throws IOException {
        return Qmp.connect(socket(VmDirectory.MONITOR), deadline);
    }

    /** QEMU's word for what the guest's processors do, such as {@code running}. */
    static String status(Qmp monitor) throws IOException {
        JsonNode status = monitor.execute("query-status");
        return status.path("status").asString("");
    }

    /** Whether the guest's first processor runs 64-bit code, which a kernel does and the firmware before it does not. */
    static boolean inLongMode(Qmp monitor) throws IOException {
        String registers = monitor.execute("human-monitor-command", Map.of("command-line", "info registers"))
                .asString("");
        Matcher features = EXTENDED_FEATURES.matcher(registers);
        return features.find() && (Long.parseUnsignedLong(features.group(1), 16) & LONG_MODE_ACTIVE) != 0;
    }

    /**
     * Speaks to the guest's first program, which listens on the serial line.
     *
     * <p>A serial line takes few bytes at once, and what it has not taken is lost with the connection: so that stays open for a while.
     */
    void say(String line) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket(VmDirectory.CONSOLE)));
            channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.US_ASCII)));
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        Thread.ofVirtual().start(() -> ignoreAnswers(channel));
        Thread.ofVirtual().start(() -> closeLater(channel));
    }

    private static void ignoreAnswers(SocketChannel channel) {
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        try {
            while (channel.read(bytes.clear()) >= 0) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            Thread.onSpinWait();
        }
    }

    private static void closeLater(SocketChannel channel) {
        try (channel) {
            Thread.sleep(LISTENS);
        } catch (InterruptedException | IOException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Path socket(String name) {
        return Path.of("/proc", Long.toString(identity.pid()), "cwd", name);
    }

    /** Waits, no longer than told; true when it has ended. */
    boolean awaitEnd(Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (alive() && System.nanoTime() < deadline) {
            pause();
        }
        return !alive();
    }

    /** The time between two looks at a process. */
    static void pause() {
        try {
            Thread.sleep(LOOK);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void kill() {
        if (alive()) {
            handle().ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    void onExit(Consumer<OptionalInt> action) {
        if (process != null) {
            Future<?> _ = process.onExit().thenAccept(ended -> action.accept(OptionalInt.of(ended.exitValue())));
            return;
        }
        Optional<ProcessHandle> found = handle();
        if (found.isEmpty() || !alive()) {
            action.accept(OptionalInt.empty());
        } else {
            Future<?> _ = found.get().onExit().thenAccept(_ -> action.accept(OptionalInt.empty()));
        }
    }

    private Optional<ProcessHandle> handle() {
        return ProcessHandle.of(identity.pid());
    }

    Usage usage() {
        return identity.alive() ? identity.usage() : Usage.NONE;
    }
}
