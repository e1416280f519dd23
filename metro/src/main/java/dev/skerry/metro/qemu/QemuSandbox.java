package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Exit;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.Usage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One micro-VM: a process while it runs, a file while it is frozen, never both for long.
 *
 * <p>That the file of memory is there under its final name decides after a crash of the metro: what was written wholly is frozen, and a
 * process beside it that does not run is left over. The file is deleted before its memory runs again, so that no memory ever runs twice.
 */
final class QemuSandbox implements Sandbox {
    private static final Logger log = LoggerFactory.getLogger(QemuSandbox.class);
    private static final Duration START = Duration.ofSeconds(20);
    private static final Duration MOVE_MEMORY = Duration.ofSeconds(90);
    private static final Duration QUIT = Duration.ofSeconds(5);
    private static final long BYTES_PER_SECOND = 1L << 40;

    private final VmDirectory directory;
    private final Path console;
    private final QemuCommand command;
    private final AtomicBoolean told = new AtomicBoolean();
    private volatile @Nullable Vm current;
    private volatile @Nullable Consumer<Exit> listener;

    private QemuSandbox(Launch launch, QemuCommand command) {
        this.directory = new VmDirectory(launch.directory());
        this.console = launch.console();
        this.command = command;
    }

    /** Returns when QEMU has read what it needs; the secret part of that is deleted by then. */
    static QemuSandbox boot(Image.Machine image, Launch launch, Door door, QemuCommand command) throws IOException {
        QemuSandbox sandbox = new QemuSandbox(launch, command);
        VmDirectory directory = sandbox.directory;
        directory.clear();
        try {
            directory.take(image.disk());
            directory.keepDoorPort(door.port());
            List<String> program = launch.arguments().isEmpty() ? image.command() : launch.arguments();
            BootArchive.write(launch, program, image.initrd(), door, directory.initrd());
            BootArchive.emptyDisk(directory.rom(), VmDirectory.ROM_BYTES);
            sandbox.run(command.booting(image), Vm::status);
            return sandbox;
        } catch (IOException e) {
            sandbox.end(Duration.ZERO);
            throw e;
        } finally {
            Files.deleteIfExists(directory.initrd());
        }
    }

    /** Goes on with a template's memory, and then tells the guest what time it is, who it is, and what only it may know. */
    static QemuSandbox copy(Launch launch, Path template, Door door, QemuCommand command) throws IOException {
        QemuSandbox sandbox = new QemuSandbox(launch, command);
        VmDirectory directory = sandbox.directory;
        directory.clear();
        try {
            directory.copy(new VmDirectory(template));
            directory.keepDoorPort(door.port());
            BootArchive.writeFiles(launch, door, directory.rom(), VmDirectory.ROM_BYTES);
            sandbox.run(command.copying(), QemuSandbox::goOnWhenRead);
            sandbox.tell(time() + "\nhost " + BootArchive.hostName(launch) + "\nrom");
            Files.delete(directory.templateMemory());
            return sandbox;
        } catch (IOException e) {
            sandbox.end(Duration.ZERO);
            throw e;
        }
    }

    /** Gives the memory of this frozen one to a template. */
    synchronized void captureTo(Path template) throws IOException {
        if (condition() != Condition.FROZEN) {
            throw new IOException("only the memory of a frozen sandbox can be captured");
        }
        directory.giveTo(new VmDirectory(template));
    }

    /** What an earlier metro left, brought into one of its three conditions. */
    static QemuSandbox find(Launch launch, QemuCommand command) {
        QemuSandbox sandbox = new QemuSandbox(launch, command);
        Vm.in(launch.directory()).ifPresent(sandbox::adopt);
        return sandbox;
    }

    private void adopt(Vm vm) {
        try (Qmp monitor = vm.monitor(START)) {
            boolean runs = Vm.status(monitor).equals("running");
            boolean isNobodyYet = Files.exists(directory.templateMemory());
            if (isNobodyYet || (!runs && Files.exists(directory.memory()))) {
                vm.kill();
                vm.awaitEnd(QUIT);
                return;
            }
            if (!runs) {
                monitor.execute("cont");
            }
            directory.forgetUnfinishedMemory();
            Files.deleteIfExists(directory.memory());
            current = vm;
            watch(vm);
        } catch (IOException e) {
            log.error("a micro-VM in {} cannot be spoken to and is ended: {}", directory.path(), e.getMessage());
            vm.kill();
            vm.awaitEnd(QUIT);
        }
    }

    /** What to ask of a QEMU that has just been started before it counts as started. */
    private interface Check {
        void accept(Qmp monitor) throws IOException;
    }

    private void run(List<String> arguments, Check check) throws IOException {
        directory.clearSockets();
        ProcessBuilder builder = new ProcessBuilder(arguments);
        builder.environment().clear();
        builder.environment().put("PATH", "/usr/local/bin:/usr/bin:/bin");
        builder.directory(directory.path().toFile());
        builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        builder.redirectErrorStream(true);
        builder.redirectOutput(directory.path().resolve(VmDirectory.COMPLAINTS).toFile());
        Vm vm = Vm.of(builder.start());
        try (Qmp monitor = monitor(vm)) {
            check.accept(monitor);
        } catch (IOException e) {
            boolean endedByItself = vm.awaitEnd(Vm.SHORTLY);
            vm.kill();
            vm.awaitEnd(QUIT);
            throw endedByItself ? new IOException("the micro-VM did not start: " + directory.complaint(), e) : e;
        } finally {
            Files.deleteIfExists(directory.rom());
        }
        current = vm;
        watch(vm);
    }

    private static Qmp monitor(Vm vm) throws IOException {
        Instant deadline = Instant.now().plus(START);
        while (true) {
            try {
                return vm.monitor(MOVE_MEMORY);
            } catch (IOException e) {
                if (!vm.alive() || Instant.now().isAfter(deadline)) {
                    throw e;
                }
                Vm.pause();
            }
        }
    }

    private void watch(Vm vm) {
        vm.onExit(code -> {
            if (vm.equals(current)) {
                tell(Ending.read(console, code));
            }
        });
    }

    private void tell(Exit exit) {
        Consumer<Exit> action = listener;
        if (action != null && told.compareAndSet(false, true)) {
            action.accept(exit);
        }
    }

    @Override
    public Condition condition() {
        Vm vm = current;
        if (vm != null && vm.alive()) {
            return Condition.RUNNING;
        }
        return vm == null && Files.exists(directory.memory()) ? Condition.FROZEN : Condition.ENDED;
    }

    @Override
    public synchronized void freeze() throws IOException {
        Vm vm = current;
        if (vm == null && condition() == Condition.FROZEN) {
            return;
        }
        if (vm == null || !vm.alive()) {
            throw new IOException("the sandbox has ended");
        }
        try (Qmp monitor = vm.monitor(MOVE_MEMORY)) {
            awaitKernel(monitor);
            monitor.execute("stop");
            try {
                writeMemory(monitor);
            } catch (IOException e) {
                goOn(monitor);
                throw new IOException("the memory of the sandbox could not be written: " + e.getMessage(), e);
            }
            current = null;
            quit(monitor, vm);
        }
    }

    /** Until then the firmware still fetches kernel and initrd from this QEMU, and one that goes on with its memory has neither. */
    private static void awaitKernel(Qmp monitor) throws IOException {
        Instant deadline = Instant.now().plus(START);
        while (!Vm.inLongMode(monitor)) {
            if (Instant.now().isAfter(deadline)) {
                throw new IOException("the sandbox has not begun to boot, so it cannot be frozen yet");
            }
            Vm.pause();
        }
    }

    private void writeMemory(Qmp monitor) throws IOException {
        directory.forgetUnfinishedMemory();
        monitor.execute("migrate-set-parameters", Map.of("max-bandwidth", BYTES_PER_SECOND));
        String file = "umask 077 && cat > " + VmDirectory.MEMORY_GROWING + " && mv " + VmDirectory.MEMORY_GROWING + " "
                + VmDirectory.MEMORY_WHOLE;
        monitor.execute("migrate", Map.of("uri", "exec:" + file));
        awaitMigration(monitor);
        Path whole = directory.path().resolve(VmDirectory.MEMORY_WHOLE);
        Instant deadline = Instant.now().plus(START);
        while (!Files.exists(whole)) {
            if (Instant.now().isAfter(deadline)) {
                throw new IOException("is there space left in " + directory.path() + "?");
            }
            Vm.pause();
        }
        Files.move(whole, directory.memory(), StandardCopyOption.ATOMIC_MOVE);
    }

    private static void awaitMigration(Qmp monitor) throws IOException {
        while (true) {
            String status = monitor.execute("query-migrate").path("status").asString("");
            switch (status) {
                case "completed" -> {
                    return;
                }
                case "failed", "cancelled" -> throw new IOException("QEMU could not write it");
                default -> Vm.pause();
            }
        }
    }

    private void goOn(Qmp monitor) {
        try {
            monitor.execute("cont");
            directory.forgetUnfinishedMemory();
        } catch (IOException e) {
            log.error("a micro-VM in {} stays stopped: {}", directory.path(), e.getMessage());
        }
    }

    private static void quit(Qmp monitor, Vm vm) {
        try {
            monitor.execute("quit");
        } catch (IOException e) {
            log.debug("QEMU left without a word: {}", e.getMessage());
        }
        if (!vm.awaitEnd(QUIT)) {
            vm.kill();
            vm.awaitEnd(QUIT);
        }
    }

    @Override
    public synchronized void thaw() throws IOException {
        switch (condition()) {
            case RUNNING -> {}
            case ENDED -> throw new IOException("the sandbox has ended");
            case FROZEN -> {
                BootArchive.emptyDisk(directory.rom(), VmDirectory.ROM_BYTES);
                run(command.goingOn(directory.doorPort()), monitor -> {
                    awaitMemory(monitor);
                    Files.delete(directory.memory());
                    monitor.execute("cont");
                });
                tellTheTime();
            }
        }
    }

    private static void goOnWhenRead(Qmp monitor) throws IOException {
        awaitMemory(monitor);
        monitor.execute("cont");
    }

    private static void awaitMemory(Qmp monitor) throws IOException {
        while (Vm.status(monitor).equals("inmigrate")) {
            Vm.pause();
        }
    }

    /** A guest's clock stood still with it. */
    private void tellTheTime() {
        try {
            tell(time());
        } catch (IOException e) {
            log.warn("the clock of a micro-VM in {} stays behind: {}", directory.path(), e.getMessage());
        }
    }

    private static String time() {
        return "time " + (Instant.now().toEpochMilli() + 999) / 1000;
    }

    private void tell(String lines) throws IOException {
        Vm vm = current;
        if (vm != null) {
            vm.say(lines);
        }
    }

    @Override
    public synchronized void end(Duration grace) {
        told.set(true);
        Vm vm = current;
        if (vm == null) {
            vm = Vm.in(directory.path()).orElse(null);
        }
        current = null;
        if (vm != null) {
            if (!grace.isZero() && vm.alive()) {
                askToEnd(vm, grace);
            }
            vm.kill();
            if (!vm.awaitEnd(QUIT)) {
                log.error("a micro-VM in {} does not end", directory.path());
            }
        }
        try {
            directory.clear();
        } catch (IOException e) {
            log.error("files of a micro-VM are left: {}", e.getMessage());
        }
    }

    private static void askToEnd(Vm vm, Duration grace) {
        try {
            vm.say("end");
            vm.awaitEnd(grace);
        } catch (IOException e) {
            log.debug("a micro-VM cannot be asked to end: {}", e.getMessage());
        }
    }

    @Override
    public void onExit(Consumer<Exit> action) {
        listener = action;
        if (condition() == Condition.ENDED) {
            tell(Ending.read(console, OptionalInt.empty()));
        }
    }

    @Override
    public Usage usage() {
        Vm vm = current;
        return vm == null ? Usage.NONE : vm.usage();
    }
}
