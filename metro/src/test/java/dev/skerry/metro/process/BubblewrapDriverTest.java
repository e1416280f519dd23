package dev.skerry.metro.process;

import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.testing.Required;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;

class BubblewrapDriverTest extends PlainProcessDriverTest {
    @BeforeEach
    void needBubblewrap() {
        Required.server(
                "bubblewrap", Files.isExecutable(Path.of("/usr/bin/bwrap")), "bubblewrap is not installed in /usr/bin");
    }

    @Override
    protected SandboxDriver driver() {
        return new ProcessDriver(ProcessDriver.Isolation.BUBBLEWRAP);
    }
}
