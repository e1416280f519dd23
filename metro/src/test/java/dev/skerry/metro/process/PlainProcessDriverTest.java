package dev.skerry.metro.process;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.metro.driver.SandboxDriverContract;
import java.nio.file.Path;
import java.util.List;

class PlainProcessDriverTest extends SandboxDriverContract {
    private static final String COUNTING =
            "echo hello GREETING=$GREETING; n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done";

    @Override
    protected SandboxDriver driver() {
        return new ProcessDriver(ProcessDriver.Isolation.PLAIN);
    }

    @Override
    protected Image counting() {
        return shell(COUNTING);
    }

    @Override
    protected Image ending() {
        return shell("echo bye; exit 3");
    }

    @Override
    protected Image missing() {
        return new Image.Program(List.of("/nowhere/at-all"), List.of(Path.of("/usr")));
    }

    private static Image shell(String script) {
        return new Image.Program(List.of("/bin/sh", "-c", script), List.of());
    }
}
