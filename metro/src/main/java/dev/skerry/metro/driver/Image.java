package dev.skerry.metro.driver;

import java.nio.file.Path;
import java.util.List;

/** What can be booted. */
public sealed interface Image {
    /**
     * A program of this machine.
     *
     * @param command absolute path of a program and its arguments
     * @param readOnlyPaths what the command needs besides the system's own directories
     */
    record Program(List<String> command, List<Path> readOnlyPaths) implements Image {}

    /**
     * A kernel and the file system that it unpacks into memory.
     *
     * @param initrd cpio archive with an {@code /init}
     */
    record Machine(Path kernel, Path initrd) implements Image {}
}
