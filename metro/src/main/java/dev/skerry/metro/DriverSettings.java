package dev.skerry.metro;

import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.metro.process.ProcessDriver;

/** Which driver a metro has, and what that driver needs to know. */
public sealed interface DriverSettings {
    /** Sandboxes are local processes. */
    record Processes(ProcessDriver.Isolation isolation) implements DriverSettings {}

    /** Makes the driver; fails with what to do when this machine cannot run it. */
    default SandboxDriver driver() {
        return switch (this) {
            case Processes processes -> new ProcessDriver(processes.isolation());
        };
    }
}
