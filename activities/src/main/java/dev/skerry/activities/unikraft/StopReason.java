package dev.skerry.activities.unikraft;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Why a VM is stopped, in words.
 *
 * @param reason bits: 1 the kernel ended, 2 its program ended, 4 the platform, 8 a user, 16 forced, 32 scale-to-zero; others may come
 * @param code of the platform where it alone ended the VM, of the kernel where that did
 * @param exitCode of the program, valid with bit 2
 */
record StopReason(int reason, int code, int exitCode) {
    private static final int KERNEL = 1;
    private static final int PROGRAM = 2;
    private static final int PLATFORM = 4;
    private static final int USER = 8;
    private static final int FORCED = 16;
    private static final int SCALE_TO_ZERO = 32;
    private static final int IMAGE_UNAVAILABLE = 1;
    private static final int OUT_OF_MEMORY_ERRNO = 12;
    private static final int CLEAN = 0;
    private static final List<String> KERNEL_REASONS = List.of(
            "a clean shutdown",
            "a failed assertion",
            "an arithmetic error",
            "an invalid operation",
            "a page fault",
            "a segmentation fault",
            "a hardware error",
            "a security violation");

    static StopReason of(JsonNode instance) {
        return new StopReason(
                instance.path("stop_reason").asInt(0),
                instance.path("stop_code").asInt(0),
                instance.path("exit_code").asInt(0));
    }

    boolean imageUnavailable() {
        return reason == PLATFORM && code == IMAGE_UNAVAILABLE;
    }

    String words() {
        if (reason == 0) {
            return "for a reason that the metro does not know";
        }
        if (imageUnavailable()) {
            return "because its image is not available";
        }
        List<String> words = new ArrayList<>();
        if (has(PROGRAM)) {
            words.add("its program ended with code " + exitCode);
        }
        if (has(KERNEL) && kernelReason() != CLEAN) {
            words.add("its kernel ended with " + kernelWords());
        }
        if (has(FORCED)) {
            words.add("it was forced");
        }
        if (has(SCALE_TO_ZERO)) {
            words.add("it was scaled to zero");
        } else if (has(USER)) {
            words.add("somebody stopped it");
        } else if (has(PLATFORM)) {
            words.add("the platform stopped it");
        }
        return words.isEmpty() ? "in order" : "because " + String.join(", ", words);
    }

    private boolean has(int bit) {
        return (reason & bit) != 0;
    }

    private int kernelReason() {
        return code & 0xFF;
    }

    private String kernelWords() {
        int errno = code >> 16 & 0xFF;
        if (errno == OUT_OF_MEMORY_ERRNO) {
            return "no memory left; give it more with memory-mb";
        }
        int found = kernelReason();
        return found < KERNEL_REASONS.size() ? KERNEL_REASONS.get(found) : "reason " + found;
    }
}
