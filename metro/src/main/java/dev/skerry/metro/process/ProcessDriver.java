package dev.skerry.metro.process;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.LocalProcess;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.SandboxDriver;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A sandbox is a local process in a session of its own, inside bubblewrap where that is installed and permitted.
 *
 * <p>No boundary against a hostile program: plain processes share the machine's user, bubblewrap shares its network.
 */
public final class ProcessDriver implements SandboxDriver {
    private static final long PROBE_SECONDS = 5;
    private static final List<String> SYSTEM =
            List.of("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc");

    private static final String IDENTITY = "process";
    private static final LocalProcess NOTHING = new LocalProcess(0, 0);

    /** How a process is kept from its host. */
    public enum Isolation {
        /** Bubblewrap where it is installed and permitted, plain otherwise. */
        AUTO,
        BUBBLEWRAP,
        /** None but a session and an environment of its own. */
        PLAIN
    }

    private final @Nullable Path bubblewrap;
    private final String description;

    public ProcessDriver(Isolation isolation) {
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
    public boolean boots(Image image) {
        return image instanceof Image.Program;
    }

    @Override
    public Sandbox start(Launch launch) throws IOException {
        Path workspace = workspace(launch);
        Files.createDirectories(
                workspace, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        writeFiles(launch);
        ProcessBuilder builder = new ProcessBuilder(command(launch));
        builder.environment().clear();
        builder.environment().putAll(launch.environment());
        builder.directory(workspace.toFile());
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(launch.console().toFile()));
        builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        Process process = builder.start();
        LocalProcess identity = LocalProcess.of(process.pid()).orElse(new LocalProcess(process.pid(), 0));
        try {
            identity.writeTo(launch.directory().resolve(IDENTITY));
        } catch (IOException e) {
            ProcessTree.kill(process.pid());
            throw e;
        }
        return new ProcessSandbox(identity, process);
    }

    private List<String> command(Launch launch) throws IOException {
        if (!(launch.image() instanceof Image.Program program)) {
            throw new IOException("this image is not a program, and sandboxes here are processes");
        }
        List<String> command = new ArrayList<>(List.of(tool("setsid")));
        if (bubblewrap != null) {
            command.addAll(wrapped(bubblewrap, launch, program));
        }
        if (launch.arguments().isEmpty()) {
            command.addAll(program.command());
        } else {
            command.addAll(launch.arguments());
        }
        return command;
    }

    private static void writeFiles(Launch launch) throws IOException {
        for (Map.Entry<String, byte[]> file : launch.files().entrySet()) {
            Path path = workspace(launch)
                    .resolve(file.getKey().replaceFirst("^/+", ""))
                    .normalize();
            if (!path.startsWith(workspace(launch))) {
                throw new IOException("a file of the launch is outside its workspace");
            }
            Files.createDirectories(path.getParent());
            Files.write(path, file.getValue());
        }
    }

    private static Path workspace(Launch launch) {
        return launch.directory().resolve("workspace");
    }

    private static String tool(String name) throws IOException {
        Path found = onPath(name);
        if (found == null) {
            throw new IOException("'" + name + "' is not installed; it comes with util-linux.");
        }
        return found.toString();
    }

    private static List<String> wrapped(Path bwrap, Launch launch, Image.Program program) {
        List<String> command = new ArrayList<>(List.of(bwrap.toString()));
        command.addAll(unshare());
        for (String directory : SYSTEM) {
            command.addAll(List.of("--ro-bind-try", directory, directory));
        }
        command.addAll(List.of("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"));
        for (Path path : program.readOnlyPaths()) {
            command.addAll(List.of("--ro-bind", path.toString(), path.toString()));
        }
        command.addAll(List.of("--bind", workspace(launch).toString(), "/workspace", "--chdir", "/workspace", "--"));
        return command;
    }

    @Override
    public Sandbox find(Launch launch) {
        LocalProcess kept =
                LocalProcess.readFrom(launch.directory().resolve(IDENTITY)).orElse(null);
        if (kept != null && kept.alive()) {
            return new ProcessSandbox(kept, null);
        }
        return ProcessTree.leadersIn(workspace(launch).toAbsolutePath()).stream()
                .findFirst()
                .flatMap(LocalProcess::of)
                .map(found -> new ProcessSandbox(found, null))
                .orElseGet(() -> new ProcessSandbox(kept == null ? NOTHING : kept, null));
    }
}
