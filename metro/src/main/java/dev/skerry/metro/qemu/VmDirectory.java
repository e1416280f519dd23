package dev.skerry.metro.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What a micro-VM keeps in its sandbox's directory; QEMU works there and knows the files by these names. */
record VmDirectory(Path path) {
    static final String PID = "pid";
    static final String MONITOR = "qmp.sock";
    static final String CONSOLE = "console.sock";
    static final String INITRD = "initrd";
    static final String DISK = "disk";
    static final String MEMORY = "memory";
    static final String MEMORY_GROWING = "memory.growing";
    static final String MEMORY_WHOLE = "memory.whole";
    static final String COMPLAINTS = "qemu.log";
    static final String DOOR = "door";

    private static final int LONGEST_COMPLAINT = 300;

    /** There while the sandbox is frozen, and only then. */
    Path memory() {
        return path.resolve(MEMORY);
    }

    /** Holds the environment; gone as soon as QEMU has read it. */
    Path initrd() {
        return path.resolve(INITRD);
    }

    /** A second name of the image's disk, so that the image may be replaced while a sandbox stands by. */
    void take(Path disk) throws IOException {
        Path own = path.resolve(DISK);
        Files.deleteIfExists(own);
        try {
            Files.createLink(own, disk);
        } catch (IOException | UnsupportedOperationException e) {
            Files.copy(disk, own);
        }
    }

    /** The guest goes on with the port that it was told at its boot, whatever the door's is by then. */
    void keepDoorPort(int port) throws IOException {
        Files.writeString(path.resolve(DOOR), Integer.toString(port));
    }

    int doorPort() throws IOException {
        try {
            return Integer.parseInt(Files.readString(path.resolve(DOOR)));
        } catch (NumberFormatException e) {
            throw new IOException("the sandbox's own files are damaged", e);
        }
    }

    /** What an attempt to write memory leaves when it does not come to its end. */
    void forgetUnfinishedMemory() throws IOException {
        Files.deleteIfExists(path.resolve(MEMORY_GROWING));
        Files.deleteIfExists(path.resolve(MEMORY_WHOLE));
    }

    void clear() throws IOException {
        forgetUnfinishedMemory();
        for (String name : List.of(PID, MONITOR, CONSOLE, INITRD, DISK, DOOR, MEMORY, COMPLAINTS)) {
            Files.deleteIfExists(path.resolve(name));
        }
    }

    /** Sockets of a QEMU that has ended. */
    void clearSockets() throws IOException {
        Files.deleteIfExists(path.resolve(MONITOR));
        Files.deleteIfExists(path.resolve(CONSOLE));
    }

    /** What QEMU said last about itself. */
    String complaint() {
        try {
            String said = Files.readString(path.resolve(COMPLAINTS)).strip();
            String last = said.substring(said.lastIndexOf('\n') + 1);
            return last.isEmpty() ? "QEMU said nothing" : last.substring(0, Math.min(last.length(), LONGEST_COMPLAINT));
        } catch (IOException e) {
            return "QEMU said nothing";
        }
    }
}
