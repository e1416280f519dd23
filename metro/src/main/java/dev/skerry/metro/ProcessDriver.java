package dev.skerry.metro;

import dev.skerry.metro.MetroConfiguration.Isolation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sandbox is a local process in a session of its own, inside bubblewrap where that is installed and permitted.
 *
 * <p>No boundary against a hostile program: plain processes share the machine's user, bubblewrap shares its network.
 */
final class ProcessDriver implements SandboxDriver {
    private static final Logger log = LoggerFactory.getLogger(ProcessDriver.class);
    private static final long PROBE_SECONDS = 5;
    private static final List<String> SYSTEM =
            List.of("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc");

    private final @Nullable Path bubblewrap;
    private final String description;

    ProcessDriver(Isolation isolation) {
        Path found = isolation == Isolation.PLAIN ? null : onPath("bwrap");
        String obstacle = isolation == Isolation.PLAIN
                ? "as configured"
                : found == null ? "bubblewrap is not installed" : obstacle(found);
        if (obstacle == null) {
            bubblewrap = found;
            description = "process/bubblewrap";
        } else if (isolation == Isolation.BUBBLEWRAP) {
            throw new IllegalStateException("Sandboxes were to run in bubblewrap, but " + obstacle
                    + ". Install it, or choose another isolation.");
        } else {
            bubblewrap = null;
            description = "process/plain (" + obstacle + ")";
        }
    }

    private static @Nullable String obstacle(Path bwrap) {
        try {
            List<String> probe = new ArrayList<>(List.of(bwrap.toString()));
            probe.addAll(unshare());
            probe.addAll(List.of("--ro-bind", "/", "/", "--proc", "/proc", "true"));
            Process process = new ProcessBuilder(probe)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            boolean ended = process.waitFor(PROBE_SECONDS, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            return ended && process.exitValue() == 0 ? null : "bubblewrap is not permitted here";
        } catch (IOException e) {
            return "bubblewrap cannot be started";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    private static List<String> unshare() {
        return List.of("--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try");
    }

    private static @Nullable Path onPath(String name) {
        String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
        for (String directory : path.split(":", -1)) {
            Path candidate = Path.of(directory, name);
            if (Files.isExecutable(candidate)) {
                return candidate;
            }
        }
        return null;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public Handle start(Launch launch) throws IOException {
        List<String> command = new ArrayList<>(List.of("setsid"));
        if (bubblewrap != null) {
            command.addAll(wrapped(bubblewrap, launch));
        }
        command.addAll(launch.command());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(launch.environment());
        builder.directory(launch.workspace().toFile());
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(launch.console().toFile()));
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        command.set(0, tool("setsid"));
        Process process = builder.start();
        long started = ProcessTree.stat(process.pid())
                .map(ProcessTree.Stat::startTicks)
                .orElse(0L);
        return new ProcessHandleOf(new Identity(process.pid(), started), process);
    }

    private static String tool(String name) throws IOException {
        Path found = onPath(name);
        if (found == null) {
            throw new IOException("'" + name + "' is not installed; it comes with util-linux.");
        }
        return found.toString();
    }

    private static List<String> wrapped(Path bwrap, Launch launch) {
        List<String> command = new ArrayList<>(List.of(bwrap.toString()));
        command.addAll(unshare());
        for (String directory : SYSTEM) {
            command.addAll(List.of("--ro-bind-try", directory, directory));
        }
        command.addAll(List.of("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"));
        for (Path path : launch.readOnlyPaths()) {
            command.addAll(List.of("--ro-bind", path.toString(), path.toString()));
        }
        command.addAll(List.of("--bind", launch.workspace().toString(), "/workspace", "--chdir", "/workspace", "--"));
        return command;
    }

    @Override
    public Handle find(Identity identity) {
        return new ProcessHandleOf(identity, null);
    }

    private record ProcessHandleOf(
            Identity identity, @Nullable Process process) implements Handle {
        @Override
        public boolean alive() {
            return ProcessTree.alive(identity);
        }

        @Override
        public void freeze() throws IOException {
            if (!alive()) {
                throw new IOException("the sandbox has ended");
            }
            ProcessTree.freeze(identity.pid());
        }

        @Override
        public void thaw() throws IOException {
            if (!alive()) {
                throw new IOException("the sandbox has ended");
            }
            ProcessTree.thaw(identity.pid());
        }

        @Override
        public void end(Duration grace) {
            try {
                if (alive() && !grace.isZero()) {
                    ProcessTree.signal("TERM", List.of(identity.pid()));
                    ProcessTree.thaw(identity.pid());
                    Instant deadline = Instant.now().plus(grace);
                    while (alive() && Instant.now().isBefore(deadline)) {
                        ProcessTree.pause();
                    }
                }
                boolean orphansMayBeLeft = ProcessTree.stat(identity.pid()).isEmpty();
                if (alive() || orphansMayBeLeft) {
                    ProcessTree.kill(identity.pid());
                }
            } catch (IOException e) {
                log.warn("could not end process {}: {}", identity.pid(), e.getMessage());
            }
        }

        @Override
        public void onExit(Consumer<OptionalInt> action) {
            if (process != null) {
                Future<?> _ = process.onExit().thenAccept(ended -> action.accept(OptionalInt.of(ended.exitValue())));
                return;
            }
            ProcessHandle found = ProcessHandle.of(identity.pid()).orElse(null);
            if (found == null || !alive()) {
                action.accept(OptionalInt.empty());
            } else {
                Future<?> _ = found.onExit().thenAccept(_ -> action.accept(OptionalInt.empty()));
            }
        }

        @Override
        public long residentBytes() {
            return alive() ? ProcessTree.residentBytes(identity.pid()) : 0;
        }
    }
}
