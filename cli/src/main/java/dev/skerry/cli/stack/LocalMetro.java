package dev.skerry.cli.stack;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.qemu.Door;
import dev.skerry.metro.qemu.QemuDriver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;

/** A metro on this machine that can boot the sandbox runtime of this distribution. */
public final class LocalMetro {
    public static final String IMAGE = "skerry/sandbox:local";

    private LocalMetro() {}

    /** {@code port} 0 takes any; its sandboxes end with it. */
    public static MetroServer start(Home home, String token, int port) throws IOException {
        return MetroServer.start(configuration(home, token).withPort(port));
    }

    /**
     * A metro of micro-VMs with this distribution's image, which is made on first use.
     *
     * @param door where the control plane answers sandboxes; all that they reach
     */
    public static MetroConfiguration microVms(Home home, String token, Door door, Consumer<String> tell) {
        try {
            QemuDriver.demandPrograms();
        } catch (IllegalStateException e) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "Sandboxes cannot be micro-VMs here: " + e.getMessage(),
                    "Do that, or choose another driver.",
                    e);
        }
        JsonNode made = ImageBuilder.of(home).run(List.of("microvm"), line -> tell.accept("image: " + line));
        Path kernel = Path.of(made.path("kernel").asString(""));
        Image image = new Image.Machine(
                kernel,
                Path.of(made.path("initrd").asString("")),
                Path.of(made.path("disk").asString("")),
                made.path("entrypoint")
                        .valueStream()
                        .map(word -> word.asString(""))
                        .toList());
        return MetroConfiguration.local(token, home.metro(), Map.of(IMAGE, image))
                .withDriver(
                        new DriverSettings.MicroVms(door, kernel, home.cache().resolve("accelerator")));
    }

    /** A metro of processes with this distribution's image. */
    public static MetroConfiguration configuration(Home home, String token) throws IOException {
        Python python = Python.find();
        Path runtime = SandboxRuntime.unpack(home);
        Image image = new Image.Program(
                List.of(python.executable().toString(), "-B", "-I", runtime.toString()),
                List.of(python.prefix(), runtime.getParent()));
        return MetroConfiguration.local(token, home.metro(), Map.of(IMAGE, image));
    }
}
