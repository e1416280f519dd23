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
     * What a micro-VM boots.
     *
     * @param initrd cpio archive whose {@code /init} mounts the disk and starts the command
     * @param disk read-only file system, shared by every machine of this image
     * @param command absolute path of a program on the disk and its arguments
     */
    record Machine(Path kernel, Path initrd, Path disk, List<String> command) implements Image {}
}
