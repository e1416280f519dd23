package dev.skerry.cli;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/**
 * Where Skerry keeps its state on this machine.
 *
 * @param root absolute; readable for its owner only
 */
public record Home(Path root) {
    private static final long MIB = 1024 * 1024;

    /** {@code SKERRY_HOME}, else the place that the XDG rules name. */
    public static Home of(Map<String, String> environment) {
        String explicit = environment.getOrDefault("SKERRY_HOME", "");
        if (!explicit.isBlank()) {
            return new Home(Path.of(explicit).toAbsolutePath().normalize());
        }
        String data = environment.getOrDefault("XDG_DATA_HOME", "");
        Path base = data.isBlank()
                ? Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")), ".local", "share")
                : Path.of(data);
        return new Home(base.resolve("skerry").toAbsolutePath().normalize());
    }

    public Path stackFile() {
        return root.resolve("stack.json");
    }

    public Path apiKey() {
        return root.resolve("api-key");
    }

    public Path operatorToken() {
        return root.resolve("operator-token");
    }

    /** Names the internal address of the control plane while a stack runs. */
    public Path operatorUrl() {
        return root.resolve("operator-url");
    }

    public Path log() {
        return root.resolve("log");
    }

    public Path postgres() {
        return root.resolve("postgres");
    }

    public Path temporal() {
        return root.resolve("temporal");
    }

    public Path metro() {
        return root.resolve("metro");
    }

    public Path objects() {
        return root.resolve("objects");
    }

    public Path runtime() {
        return root.resolve("runtime");
    }

    public Path tools() {
        return root.resolve("tools");
    }

    public Path cache() {
        return root.resolve("cache");
    }

    /** Creates what is missing; fails with what to do when that is impossible. */
    public void create() {
        try {
            if (!Files.isDirectory(root)) {
                Files.createDirectories(root);
                Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
            }
            for (Path directory : new Path[] {log(), temporal(), metro(), objects(), runtime(), tools(), cache()}) {
                Files.createDirectories(directory);
            }
            Path probe = Files.createTempFile(root, ".writable", "");
            Files.delete(probe);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** Fails when less than {@code mib} MiB are free, because a database on a full disk dies in worse ways. */
    public void demandSpace(long mib) {
        long free = freeMib();
        if (free < mib) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "The disk that holds " + root + " is full: " + free + " MB are free, " + mib + " MB are needed.",
                    "Make room there, or set SKERRY_HOME to a directory on another disk.");
        }
    }

    /** Free space in MiB. */
    public long freeMib() {
        try {
            FileStore store = Files.getFileStore(root);
            return store.getUsableSpace() / MIB;
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** What to say when a file under this directory could not be written. */
    public Failure unwritable(IOException cause) {
        String reason = cause instanceof FileSystemException detailed && detailed.getReason() != null
                ? detailed.getReason()
                : cause.getClass().getSimpleName();
        return new Failure(
                ExitCode.NO_STACK,
                "Skerry cannot write to its home " + root + " (" + reason + ").",
                "Make it writable, or set SKERRY_HOME to a directory that is.",
                cause);
    }
}
