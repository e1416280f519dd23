package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import java.util.ArrayList;
import java.util.List;

/** The command line of a micro-VM, to be run in its directory; nothing in it is secret. */
final class QemuCommand {
    private static final String MACHINE = "microvm,acpi=on,rtc=on,pit=off,pic=off,pcie=off,usb=off";
    private static final String KERNEL = "console=ttyS0 quiet reboot=t panic=-1 rdinit=/init"
            + " no_timer_check cryptomgr.notests random.trust_cpu=on 8250.nr_uarts=1 ipv6.disable=1 audit=0"
            + " lsm=landlock,lockdown,yama";

    private final Tools tools;
    private final Accelerator accelerator;
    private final Door door;
    private final Launch launch;

    QemuCommand(Tools tools, Accelerator accelerator, Door door, Launch launch) {
        this.tools = tools;
        this.accelerator = accelerator;
        this.door = door;
        this.launch = launch;
    }

    List<String> booting(Image.Machine image) {
        List<String> command = machine(door.port());
        command.addAll(List.of("-kernel", image.kernel().toString(), "-initrd", VmDirectory.INITRD));
        command.addAll(List.of("-append", KERNEL + accelerator.kernelParameters()));
        return command;
    }

    /** Goes on with the memory in a file, paused until told; the guest knows its door by {@code port}. */
    List<String> goingOn(int port) {
        return goingOn(port, VmDirectory.MEMORY);
    }

    /** Goes on with the memory of a template, paused until told. */
    List<String> copying() {
        return goingOn(door.port(), VmDirectory.TEMPLATE_MEMORY);
    }

    private List<String> goingOn(int port, String memory) {
        List<String> command = machine(port);
        command.addAll(List.of("-incoming", "exec:cat " + memory));
        return command;
    }

    private List<String> machine(int port) {
        List<String> command =
                new ArrayList<>(List.of(tools.setsid().toString(), tools.qemu().toString()));
        command.addAll(List.of("-M", MACHINE));
        command.addAll(accelerator.arguments());
        command.addAll(List.of("-m", launch.memoryMb() + "M", "-smp", Integer.toString(launch.vcpus())));
        command.addAll(List.of("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"));
        command.addAll(List.of("-sandbox", "on,obsolete=deny,resourcecontrol=deny"));
        command.addAll(List.of("-pidfile", VmDirectory.PID));
        command.addAll(List.of("-chardev", "socket,id=qmp,server=on,wait=off,path=" + VmDirectory.MONITOR));
        command.addAll(List.of("-mon", "chardev=qmp,mode=control"));
        command.addAll(List.of(
                "-chardev",
                "socket,id=console,server=on,wait=off,path=" + VmDirectory.CONSOLE + ",logappend=on,logfile="
                        + escaped(launch.console().toAbsolutePath().toString())));
        command.addAll(List.of("-serial", "chardev:console"));
        command.addAll(List.of("-drive", "id=disk,if=none,format=raw,readonly=on,file=" + VmDirectory.DISK));
        command.addAll(List.of("-device", "virtio-blk-device,drive=disk"));
        command.addAll(List.of("-drive", "id=rom,if=none,format=raw,readonly=on,file=" + VmDirectory.ROM));
        command.addAll(List.of("-device", "virtio-blk-device,drive=rom"));
        command.addAll(List.of("-netdev", network(port)));
        command.addAll(List.of("-device", "virtio-net-device,netdev=net"));
        return command;
    }

    /** Every connection to the one address that exists becomes a socat, and that a connection to the door. */
    private String network(int port) {
        return "user,id=net,restrict=on,ipv6=off,net=10.0.2.0/24,guestfwd=tcp:" + Door.GUEST_ADDRESS + ":" + port
                + "-cmd:" + escaped(tools.socat() + " STDIO " + door.socatAddress());
    }

    private static String escaped(String value) {
        return value.replace(",", ",,");
    }
}
