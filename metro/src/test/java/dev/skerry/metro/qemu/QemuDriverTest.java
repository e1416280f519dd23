package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.metro.driver.SandboxDriverContract;
import dev.skerry.testing.TestingMicroVmImage;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QemuDriverTest extends SandboxDriverContract {
    private static final String COUNTING = "trap 'exit 0' TERM; echo hello GREETING=$GREETING; n=0;"
            + " while :; do n=$((n+1)); echo tick $n; sleep 0.05; done";
    private static final TestingMicroVmImage NONE = new TestingMicroVmImage(Path.of(""), Path.of(""), Path.of(""));
    private static final Door NOWHERE = new Door("127.0.0.1", 9);

    private TestingMicroVmImage image = NONE;

    @BeforeAll
    void buildTheImage() throws IOException, InterruptedException {
        image = TestingMicroVmImage.demand();
    }

    @Override
    protected SandboxDriver driver() {
        return driver(NOWHERE);
    }

    @Override
    protected Image counting() {
        return machine("/bin/sh", "-c", COUNTING);
    }

    @Override
    protected Image ending() {
        return machine("/bin/sh", "-c", "echo bye; exit 3");
    }

    @Override
    protected Image missing() {
        return new Image.Machine(Path.of("/nowhere/kernel"), image.initrd(), image.disk(), List.of("/bin/sh"));
    }

    @Override
    protected Duration patience() {
        return Duration.ofSeconds(60);
    }

    private SandboxDriver driver(Door door) {
        return QemuDriver.start(door, image.kernel(), TestingMicroVmImage.accelerator());
    }

    private Image machine(String... command) {
        return new Image.Machine(image.kernel(), image.initrd(), image.disk(), List.of(command));
    }
}
