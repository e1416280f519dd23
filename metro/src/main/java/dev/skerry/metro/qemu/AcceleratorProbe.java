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
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out by booting a bare kernel whether KVM works.
 *
 * <p>That {@code /dev/kvm} is there proves little: on some hosts its guests hang. What was found is kept until the machine restarts.
 */
final class AcceleratorProbe {
    private static final Logger log = LoggerFactory.getLogger(AcceleratorProbe.class);
    private static final Duration KVM_PATIENCE = Duration.ofSeconds(6);
    private static final String WORKS = "works";
    private static final Path KVM = Path.of("/dev/kvm");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Pattern WITHOUT_ROOT = Pattern.compile("Kernel panic - not syncing");

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
        return boots(guest) ? new Accelerator.Kvm() : emulation("guests of /dev/kvm do not boot here");
    }

    private static Accelerator emulation(String why) throws IOException {
        return new Accelerator.Emulation(why, TimeStampCounter.kilohertz());
    }

    /** Whether a kernel without a file system comes as far as to miss it. */
    private boolean boots(List<String> guest) throws IOException {
        Process process = new ProcessBuilder(command(guest))
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .start();
        Thread watchdog = Thread.ofVirtual().start(() -> {
            try {
                if (!process.waitFor(KVM_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        try (BufferedReader said =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.ISO_8859_1))) {
            return said.lines().anyMatch(line -> WITHOUT_ROOT.matcher(line).find());
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

    private Optional<Accelerator> recall(String circumstances) throws IOException {
        List<String> lines = Files.exists(kept) ? Files.readAllLines(kept) : List.of();
        if (lines.size() != 2 || !lines.getFirst().equals(circumstances)) {
            return Optional.empty();
        }
        return Optional.of(lines.getLast().equals(WORKS) ? new Accelerator.Kvm() : emulation(lines.getLast()));
    }

    private void remember(String circumstances, Accelerator found) throws IOException {
        String result = switch (found) {
            case Accelerator.Kvm _ -> WORKS;
            case Accelerator.Emulation emulation -> emulation.why();
        };
        Path fresh = kept.resolveSibling(kept.getFileName() + ".new");
        Files.createDirectories(kept.toAbsolutePath().getParent());
        Files.writeString(fresh, circumstances + "\n" + result + "\n");
        Files.move(fresh, kept, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
