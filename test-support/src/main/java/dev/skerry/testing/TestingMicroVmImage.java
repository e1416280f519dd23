package dev.skerry.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The sandbox image as a micro-VM boots it, built on first use from the distribution's packages. */
public record TestingMicroVmImage(Path kernel, Path initrd, Path disk) {
    private static final Path SOURCES =
            Path.of("..", "sandbox-image").toAbsolutePath().normalize();
    private static final List<String> PROGRAMS =
            List.of("qemu-system-x86_64", "socat", "mksquashfs", "apt-get", "dpkg-deb");

    /** Skips the test where micro-VMs cannot run. */
    public static TestingMicroVmImage demand() throws IOException, InterruptedException {
        for (String program : PROGRAMS) {
            Required.server("qemu", isOnPath(program), program + " is not installed");
        }
        Process build = new ProcessBuilder(
                        SOURCES.resolve("build").toString(), "microvm", "--output", images().toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String facts = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (build.waitFor() != 0) {
            throw new AssertionError("sandbox-image/build microvm failed: " + facts);
        }
        return new TestingMicroVmImage(path(facts, "kernel"), path(facts, "initrd"), path(facts, "disk"));
    }

    /** Where built images are kept and found again. */
    public static Path images() {
        return SOURCES.resolve("target").resolve("image");
    }

    /** Where it is kept whether this machine has a KVM that works, which takes seconds to find out. */
    public static Path accelerator() {
        return images().resolve("accelerator");
    }

    private static Path path(String facts, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\": \"([^\"]+)\"").matcher(facts);
        if (!matcher.find()) {
            throw new AssertionError("sandbox-image/build microvm names no " + name + ": " + facts);
        }
        return Path.of(matcher.group(1));
    }

    private static boolean isOnPath(String program) {
        return Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }
}
