package dev.skerry.metro.qemu;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out by booting a bare kernel whether KVM works, and if not, how fast an emulated clock runs.
 *
 * <p>That {@code /dev/kvm} is there proves little: on some hosts its guests hang. What was found is kept until the machine restarts.
 */
final class AcceleratorProbe {
    private static final Logger log = LoggerFactory.getLogger(AcceleratorProbe.class);
    private static final Duration KVM_PATIENCE = Duration.ofSeconds(6);
    private static final Duration CLOCK_PATIENCE = Duration.ofSeconds(30);
    private static final int CLOCK_ATTEMPTS = 3;
    private static final Path KVM = Path.of("/dev/kvm");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Pattern WITHOUT_ROOT = Pattern.compile("(Kernel panic - not syncing)");
    private static final Pattern CLOCK = Pattern.compile("tsc: Detected ([0-9]+)\\.([0-9]{3}) MHz processor");

    private final Path qemu;
    private final Path kernel;
    private final Path kept;

    AcceleratorProbe(Path qemu, Path kernel, Path kept) {
        this.qemu = qemu;
        this.kernel = kernel;
        this.kept = kept;
    }

    Accelerator find() throws IOException {
        String circumstances = String.join(
                " ",
                Files.readString(BOOT_ID).strip(),
                qemu.toString(),
                Files.getLastModifiedTime(qemu).toString(),
                Boolean.toString(Files.isWritable(KVM)));
        Optional<Accelerator> known = recall(circumstances);
        if (known.isPresent()) {
            return known.get();
        }
        Accelerator found = look();
        log.info("micro-VMs run on {}", found.description());
        remember(circumstances, found);
        return found;
    }

    private Accelerator look() throws IOException {
        if (!Files.exists(KVM)) {
            return emulation("this machine has no /dev/kvm");
        }
        if (!Files.isReadable(KVM) || !Files.isWritable(KVM)) {
            return emulation("/dev/kvm is not permitted to this user");
        }
        List<String> guest = List.of("-M", "microvm,acpi=on,rtc=on,pit=off,pic=off", "-accel", "kvm", "-cpu", "host");
        return boot(guest, WITHOUT_ROOT, KVM_PATIENCE).isPresent()
                ? new Accelerator.Kvm()
                : emulation("guests of /dev/kvm do not boot here");
    }

    private Accelerator emulation(String why) throws IOException {
        List<String> guest = List.of("-M", "microvm,acpi=off,rtc=on,pit=on,pic=on", "-accel", "tcg", "-cpu", "max");
        for (int attempt = 0; attempt < CLOCK_ATTEMPTS; attempt++) {
            Optional<Matcher> seen = boot(guest, CLOCK, CLOCK_PATIENCE);
            if (seen.isPresent()) {
                return new Accelerator.Emulation(
                        why, Long.parseLong(seen.get().group(1) + seen.get().group(2)));
            }
        }
        throw new IOException("QEMU does not boot a kernel here. Try: " + String.join(" ", command(guest)));
    }

    /** What the kernel said first that matches; empty when it did not in time. */
    private Optional<Matcher> boot(List<String> guest, Pattern wanted, Duration patience) throws IOException {
        Process process = new ProcessBuilder(command(guest))
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .start();
        Thread watchdog = Thread.ofVirtual().start(() -> {
            try {
                if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        try (BufferedReader said =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.ISO_8859_1))) {
            return said.lines().map(wanted::matcher).filter(Matcher::find).findFirst();
        } finally {
            process.destroyForcibly();
            watchdog.interrupt();
        }
    }

    private List<String> command(List<String> guest) {
        List<String> command = new ArrayList<>(List.of(qemu.toString()));
        command.addAll(guest);
        command.addAll(List.of("-m", "128M", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"));
        command.addAll(List.of("-serial", "stdio", "-kernel", kernel.toString()));
        command.addAll(List.of("-append", "console=ttyS0 reboot=t panic=-1"));
        return command;
    }

    private Optional<Accelerator> recall(String circumstances) {
        try {
            List<String> lines = Files.readAllLines(kept);
            if (lines.size() != 3 || !lines.getFirst().equals(circumstances)) {
                return Optional.empty();
            }
            long clock = Long.parseLong(lines.get(1));
            return Optional.of(clock == 0 ? new Accelerator.Kvm() : new Accelerator.Emulation(lines.get(2), clock));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private void remember(String circumstances, Accelerator found) throws IOException {
        String result = switch (found) {
            case Accelerator.Kvm _ -> "0\n-\n";
            case Accelerator.Emulation emulation -> emulation.clockKilohertz() + "\n" + emulation.why() + "\n";
        };
        Path fresh = kept.resolveSibling(kept.getFileName() + ".new");
        Files.createDirectories(kept.toAbsolutePath().getParent());
        Files.writeString(fresh, circumstances + "\n" + result);
        Files.move(fresh, kept, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
