package dev.skerry.metro.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The programs that micro-VMs need on this machine. */
record Tools(Path qemu, Path socat, Path setsid, Path setpriv) {
    private static final Path OWN_STATUS = Path.of("/proc/self/status");

    /**
     * Looks for them on PATH.
     *
     * @throws IllegalStateException with what to install
     */
    static Tools find() {
        return new Tools(
                demand("qemu-system-x86_64", "qemu-system-x86"),
                demand("socat", "socat"),
                demand("setsid", "util-linux"),
                demand("setpriv", "util-linux"));
    }

    /** What stands before QEMU: a session of its own, nothing to gain from set-uid files, and for root none of its powers. */
    List<String> confined() {
        List<String> words = new ArrayList<>(List.of(setsid.toString(), setpriv.toString(), "--no-new-privs"));
        if (isRoot()) {
            words.addAll(List.of("--inh-caps=-all", "--bounding-set=-all"));
        }
        words.add("--");
        return words;
    }

    private static boolean isRoot() {
        try {
            return Files.readAllLines(OWN_STATUS).stream().anyMatch(line -> line.matches("Uid:\\s+\\d+\\s+0\\s.*"));
        } catch (IOException e) {
            return false;
        }
    }

    private static Path demand(String program, String debianPackage) {
        String path = System.getenv().getOrDefault("PATH", "/usr/bin:/bin");
        for (String directory : path.split(":", -1)) {
            Path candidate = Path.of(directory, program);
            if (Files.isExecutable(candidate)) {
                return candidate.toAbsolutePath();
            }
        }
        throw new IllegalStateException("micro-VMs need " + program
                + ", which is not on PATH. Install it (Debian, Ubuntu: apt install " + debianPackage + ").");
    }
}
