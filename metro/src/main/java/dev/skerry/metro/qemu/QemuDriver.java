package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.SandboxDriver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;

/** A sandbox is a micro-VM, a process of QEMU; while it stands by, it is a file. */
public final class QemuDriver implements SandboxDriver {
    private final Tools tools;
    private final Accelerator accelerator;
    private final Door door;

    private QemuDriver(Tools tools, Accelerator accelerator, Door door) {
        this.tools = tools;
        this.accelerator = accelerator;
        this.door = door;
    }

    /** Throws {@link IllegalStateException} with what to install when a program is missing. */
    public static void demandPrograms() {
        Tools.find();
    }

    /**
     * Finds out first what this machine can do, which takes seconds after a restart of the machine.
     *
     * @param kernel any that a micro-VM boots
     * @param accelerator file that keeps the answer
     * @throws IllegalStateException with what to install when a program is missing
     */
    public static QemuDriver start(Door door, Path kernel, Path accelerator) {
        Tools tools = Tools.find();
        try {
            return new QemuDriver(tools, new AcceleratorProbe(tools.qemu(), kernel, accelerator).find(), door);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String description() {
        return accelerator.description();
    }

    @Override
    public boolean boots(Image image) {
        return image instanceof Image.Machine;
    }

    @Override
    public Sandbox start(Launch launch) throws IOException {
        if (!(launch.image() instanceof Image.Machine image)) {
            throw new IOException("this image is not a machine, and sandboxes here are micro-VMs");
        }
        return QemuSandbox.boot(image, launch, door, command(launch));
    }

    @Override
    public Sandbox find(Launch launch) {
        return QemuSandbox.find(launch, command(launch));
    }

    @Override
    public Optional<Snapshots> snapshots() {
        return Optional.of(new Snapshots() {
            @Override
            public void capture(Sandbox frozen, Path template) throws IOException {
                if (!(frozen instanceof QemuSandbox sandbox)) {
                    throw new IOException("this sandbox is no micro-VM");
                }
                sandbox.captureTo(template);
            }

            @Override
            public Sandbox start(Launch launch, Path template) throws IOException {
                return QemuSandbox.copy(launch, template, door, command(launch));
            }
        });
    }

    private QemuCommand command(Launch launch) {
        return new QemuCommand(tools, accelerator, door, launch);
    }
}
