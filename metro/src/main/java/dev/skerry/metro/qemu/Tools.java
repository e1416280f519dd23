package dev.skerry.metro.qemu;

import java.nio.file.Files;
import java.nio.file.Path;

/** The programs that micro-VMs need on this machine. */
record Tools(Path qemu, Path socat, Path setsid) {
    /**
     * Looks for them on PATH.
     *
     * @throws IllegalStateException with what to install
     */
    static Tools find() {
        return new Tools(
                demand("qemu-system-x86_64", "qemu-system-x86"),
                demand("socat", "socat"),
                demand("setsid", "util-linux"));
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
