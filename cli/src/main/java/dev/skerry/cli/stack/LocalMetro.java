package dev.skerry.cli.stack;

import dev.skerry.cli.Home;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A metro on this machine that can boot the sandbox runtime of this distribution. */
public final class LocalMetro {
    public static final String IMAGE = "skerry/sandbox:local";

    private LocalMetro() {}

    /** {@code port} 0 takes any; its sandboxes end with it. */
    public static MetroServer start(Home home, String token, int port) throws IOException {
        return MetroServer.start(configuration(home, token).withPort(port));
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
