package dev.skerry.metro.qemu;

import java.util.List;

/** What runs a guest's instructions. */
sealed interface Accelerator {
    /** The processor itself. */
    record Kvm() implements Accelerator {}

    /**
     * Emulation.
     *
     * @param why KVM is not used
     * @param clockKilohertz how fast the guest's time stamp counter runs; a micro-VM without KVM has nothing to measure it by
     */
    record Emulation(String why, long clockKilohertz) implements Accelerator {}

    default String description() {
        return switch (this) {
            case Kvm _ -> "qemu/kvm";
            case Emulation emulation -> "qemu/emulated (" + emulation.why() + ")";
        };
    }

    default List<String> arguments() {
        return switch (this) {
            case Kvm _ -> List.of("-accel", "kvm", "-cpu", "host");
            case Emulation _ -> List.of("-accel", "tcg", "-cpu", "max,xsave=off");
        };
    }

    /** For the kernel; an emulated processor does not speculate, so it needs no defence against that. */
    default String kernelParameters() {
        return switch (this) {
            case Kvm _ -> "";
            case Emulation emulation -> " mitigations=off tsc_early_khz=" + emulation.clockKilohertz();
        };
    }
}
