package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.metro.driver.SandboxDriverContract;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QemuDriverTest extends SandboxDriverContract {
    private static final String COUNTING = "trap 'exit 0' TERM; echo hello GREETING=$GREETING; n=0;"
            + " while :; do n=$((n+1)); echo tick $n; sleep 0.05; done";
    private static final Door NOWHERE = new Door("127.0.0.1", 9);

    private BuiltImage image = new BuiltImage(Path.of(""), Path.of(""), Path.of(""), java.util.List.of());

    @BeforeAll
    void buildTheImage() throws IOException, InterruptedException {
        image = BuiltImage.demand();
    }

    @Override
    protected SandboxDriver driver() {
        return image.driver(NOWHERE);
    }

    @Override
    protected Image counting() {
        return image.running("/bin/sh", "-c", COUNTING);
    }

    @Override
    protected Image ending() {
        return image.running("/bin/sh", "-c", "echo bye; exit 3");
    }

    @Override
    protected Image missing() {
        return new Image.Machine(
                Path.of("/nowhere/kernel"), image.initrd(), image.disk(), java.util.List.of("/bin/sh"));
    }

    @Override
    protected Duration patience() {
        return Duration.ofSeconds(60);
    }
}
