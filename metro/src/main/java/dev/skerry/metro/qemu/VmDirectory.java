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
    static final String ROM = "rom";
    static final String TEMPLATE_MEMORY = "memory.template";

    /** What inline ROMs may hold together, and the headers of their files. */
    static final long ROM_BYTES = 10L << 20;

    private static final int LONGEST_COMPLAINT = 300;

    /** There while the sandbox is frozen, and only then. */
    Path memory() {
        return path.resolve(MEMORY);
    }

    /** Holds the environment; gone as soon as QEMU has read it. */
    Path initrd() {
        return path.resolve(INITRD);
    }

    /** Holds what only this copy of a template may know; gone as soon as QEMU has it open. */
    Path rom() {
        return path.resolve(ROM);
    }

    /** The memory that a copy began with; there until the copy was told who it is. */
    Path templateMemory() {
        return path.resolve(TEMPLATE_MEMORY);
    }

    /** A second name of the image's disk, so that the image may be replaced while a sandbox stands by. */
    void take(Path disk) throws IOException {
        link(disk, path.resolve(DISK));
    }

    /** Gives a frozen sandbox's memory and disk to a template; may be done again. */
    void giveTo(VmDirectory template) throws IOException {
        link(path.resolve(DISK), template.path.resolve(DISK));
        link(memory(), template.memory());
    }

    /** Takes a template's memory and disk; none of the copies ever writes to them. */
    void copy(VmDirectory template) throws IOException {
        link(template.path.resolve(DISK), path.resolve(DISK));
        link(template.memory(), templateMemory());
    }

    private static void link(Path from, Path to) throws IOException {
        Files.deleteIfExists(to);
        try {
            Files.createLink(to, from);
        } catch (IOException | UnsupportedOperationException e) {
            Files.copy(from, to);
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
        for (String name :
                List.of(PID, MONITOR, CONSOLE, INITRD, DISK, DOOR, ROM, MEMORY, TEMPLATE_MEMORY, COMPLAINTS)) {
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
