package dev.skerry.metro;

import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.metro.process.ProcessDriver;
import dev.skerry.metro.qemu.Door;
import dev.skerry.metro.qemu.QemuDriver;
import java.nio.file.Path;

/** Which driver a metro has, and what that driver needs to know. */
public sealed interface DriverSettings {
    /** Sandboxes are local processes. */
    record Processes(ProcessDriver.Isolation isolation) implements DriverSettings {}

    /**
     * Sandboxes are micro-VMs of QEMU.
     *
     * @param door the only address that they reach
     * @param kernel any that a micro-VM boots, to find out what this machine can do
     * @param accelerator file in which that is kept until the machine restarts
     */
    record MicroVms(Door door, Path kernel, Path accelerator) implements DriverSettings {}

    /** Makes the driver; fails with what to do when this machine cannot run it. */
    default SandboxDriver driver() {
        return switch (this) {
            case Processes processes -> new ProcessDriver(processes.isolation());
            case MicroVms machines -> QemuDriver.start(machines.door(), machines.kernel(), machines.accelerator());
        };
    }
}
