package dev.skerry.metro.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.metro.driver.Image;
import dev.skerry.testing.Required;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The sandbox image as a micro-VM boots it, built on first use. */
record BuiltImage(Path kernel, Path initrd, Path disk, List<String> entrypoint) {
    private static final Path BUILD = Path.of("..", "sandbox-image", "build");

    /** Skips the test where micro-VMs cannot run. */
    static BuiltImage demand() throws IOException, InterruptedException {
        for (String program : List.of("qemu-system-x86_64", "socat", "mksquashfs", "apt-get")) {
            Required.server("qemu", isOnPath(program), program + " is not installed");
        }
        Process build = new ProcessBuilder(BUILD.toString(), "microvm")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        JsonNode facts = new JsonMapper().readTree(build.getInputStream().readAllBytes());
        assertThat(build.waitFor()).as("%s microvm", BUILD).isZero();
        List<String> entrypoint = facts.path("entrypoint")
                .valueStream()
                .map(word -> word.asString(""))
                .toList();
        return new BuiltImage(path(facts, "kernel"), path(facts, "initrd"), path(facts, "disk"), entrypoint);
    }

    private static Path path(JsonNode facts, String name) {
        return Path.of(facts.path(name).asString(""));
    }

    private static boolean isOnPath(String program) {
        return Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    Image.Machine running(String... command) {
        return new Image.Machine(kernel, initrd, disk, List.of(command));
    }

    QemuDriver driver(Door door) {
        return QemuDriver.start(door, kernel, Path.of("target", "accelerator").toAbsolutePath());
    }
}
