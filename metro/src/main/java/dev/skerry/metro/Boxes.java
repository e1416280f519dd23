package dev.skerry.metro;

import dev.skerry.metro.Fault.Scope;
import dev.skerry.metro.Instance.State;
import dev.skerry.metro.driver.Exit;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.SandboxDriver;
import dev.skerry.metro.driver.SandboxDriver.Snapshots;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does to sandboxes what the verbs decided, one thing at a time for each, in the background. */
final class Boxes {
    private static final Logger log = LoggerFactory.getLogger(Boxes.class);
    private static final Duration STOP_GRACE = Duration.ofSeconds(2);
    private static final long MOST_CONSOLE_BYTES = 8L << 20;

    private final SandboxDriver driver;
    private final Instances instances;
    private final InstanceStore store;
    private final Faults faults;
    private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean closing;

    Boxes(SandboxDriver driver, Instances instances, InstanceStore store, Faults faults) {
        this.driver = driver;
        this.instances = instances;
        this.store = store;
        this.faults = faults;
    }

    private interface Work {
        void run() throws IOException;
    }

    private void background(Instance instance, String verb, Work work) {
        if (closing) {
            return;
        }
        Future<?> _ = workers.submit(() -> {
            instance.box.lock();
            try {
                faults.strike(Scope.CHANGE, verb, instance.name).ifPresent(rule -> Faults.pause(rule.delayMillis()));
                work.run();
            } catch (IOException | RuntimeException e) {
                log.warn("{} of instance {} failed: {}", verb, instance.name, e.getMessage());
                complain(instance, verb, e.getMessage());
                end(instance, Duration.ZERO);
                instances.stopped(instance, StopReason.PLATFORM, 0, 0);
            } finally {
                instance.box.unlock();
            }
        });
    }

    void boot(Instance instance) {
        background(instance, "start", () -> {
            if (instance.state != State.STARTING) {
                return;
            }
            Optional<FaultRule> fault = faults.strike(Scope.BOOT, "start", instance.name);
            Optional<Images.Registered> image = instances.images().find(instance.image);
            if (image.isEmpty()
                    || fault.filter(rule -> rule.fault() != Fault.BOOT_CRASH).isPresent()) {
                complain(instance, "start", "the image " + instance.image + " is not available");
                instances.stopped(instance, StopReason.PLATFORM, StopReason.IMAGE_MISSING, 0);
                return;
            }
            if (fault.isPresent()) {
                complain(instance, "start", "the kernel is out of memory");
                instances.stopped(instance, StopReason.KERNEL_CRASH, StopReason.OUT_OF_MEMORY, 0);
                return;
            }
            long began = System.nanoTime();
            Sandbox sandbox = booted(instance, image.get());
            instance.sandbox = sandbox;
            instances.running(instance, (System.nanoTime() - began) / 1_000);
            watch(instance, sandbox);
        });
    }

    /** A clone of a template whose memory is still there goes on from it; everything else boots anew. */
    private Sandbox booted(Instance instance, Images.Registered image) throws IOException {
        Launch launch = launch(instance, image);
        Optional<Path> memory = Optional.ofNullable(instance.clonedFrom)
                .filter(_ -> instance.warm && instance.startCount == 0)
                .flatMap(instances::find)
                .map(store::snapshot);
        Optional<Snapshots> snapshots = driver.snapshots();
        if (memory.isPresent() && snapshots.isPresent()) {
            return snapshots.get().start(launch, memory.get());
        }
        if (instance.clonedFrom != null && instance.startCount == 0) {
            say(instance, "this clone boots anew, since there is no memory of its template to go on from");
        }
        return driver.start(launch);
    }

    private Launch launch(Instance instance, Images.Registered image) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (Instance.Rom rom : instance.roms) {
            String at = rom.at() == null ? "/run/roms/" + rom.name() : rom.at();
            rom.files()
                    .forEach((path, text) ->
                            files.put(at + "/" + path, Base64.getDecoder().decode(text)));
        }
        return new Launch(
                instance.hostname.isEmpty() ? instance.name : instance.hostname,
                image.image(),
                instance.args,
                instance.env,
                instance.memoryMb,
                instance.vcpus,
                files,
                store.sandbox(instance),
                store.console(instance));
    }

    private void watch(Instance instance, Sandbox sandbox) {
        sandbox.onExit(exit -> {
            Future<?> _ = workers.submit(() -> ended(instance, sandbox, exit));
        });
    }

    private void ended(Instance instance, Sandbox sandbox, Exit exit) {
        instance.box.lock();
        try {
            if (!sandbox.equals(instance.sandbox) || closing) {
                return;
            }
            end(instance, Duration.ZERO);
            switch (exit) {
                case Exit.Ended(int code) ->
                    instances.stopped(instance, StopReason.ENDED_BY_ITSELF, StopReason.CLEAN, code);
                case Exit.Crashed(String reason) -> {
                    complain(instance, "run", reason);
                    instances.stopped(instance, StopReason.KERNEL_CRASH, 0, 0);
                }
                case Exit.Unseen() -> instances.stopped(instance, StopReason.NONE, 0, 0);
            }
        } finally {
            instance.box.unlock();
        }
    }

    void wake(Instance instance) {
        Sandbox sandbox = instance.sandbox;
        if (sandbox == null) {
            boot(instance);
            return;
        }
        background(instance, "start", () -> {
            if (instance.state == State.STARTING) {
                sandbox.thaw();
                instances.running(instance, 0);
            }
        });
    }

    void suspend(Instance instance) {
        background(instance, "suspend", () -> {
            Sandbox sandbox = instance.sandbox;
            if (instance.goal != State.STANDBY || sandbox == null) {
                return;
            }
            if (!stateful(instance)) {
                end(instance, STOP_GRACE);
            } else if (!frozen(instance, sandbox)) {
                return;
            }
            instances.standby(instance);
        });
    }

    /** A sandbox that cannot be frozen but still runs goes on. */
    private boolean frozen(Instance instance, Sandbox sandbox) throws IOException {
        try {
            sandbox.freeze();
            return true;
        } catch (IOException e) {
            if (sandbox.condition() != Sandbox.Condition.RUNNING) {
                throw e;
            }
            complain(instance, "suspend", e.getMessage());
            instances.notSuspended(instance);
            return false;
        }
    }

    /** Memory is kept unless the instance says otherwise; whether the platform does so is not documented. */
    private static boolean stateful(Instance instance) {
        return instance.scaleToZero == null
                || instance.scaleToZero.path("stateful").asBoolean(true);
    }

    void stop(Instance instance, boolean force) {
        background(instance, "stop", () -> {
            end(instance, force ? Duration.ZERO : STOP_GRACE);
            if (!instance.deleting) {
                instances.stopped(instance, instance.pendingStopReason, force ? 0 : StopReason.CLEAN, 0);
            }
        });
    }

    void delete(Instance instance) {
        background(instance, "delete", () -> {
            end(instance, Duration.ZERO);
            try {
                store.delete(instance);
            } catch (IOException e) {
                log.error("cannot remove the files of instance {}: {}", instance.uuid, e.getMessage());
            }
            instances.forget(instance);
        });
    }

    void capture(Instance instance) {
        background(instance, "templates", () -> {
            Sandbox sandbox = instance.sandbox;
            Optional<Snapshots> snapshots = driver.snapshots();
            if (sandbox != null && snapshots.isPresent()) {
                sandbox.freeze();
                snapshots.get().capture(sandbox, store.snapshot(instance));
            }
            end(instance, Duration.ZERO);
            instances.template(instance, sandbox != null && snapshots.isPresent());
        });
    }

    /** Kills it from outside, as a crash of the machine would. */
    void kill(Instance instance, long afterMillis) {
        Future<?> _ = workers.submit(() -> {
            Faults.pause(afterMillis);
            Sandbox sandbox = instance.sandbox;
            if (sandbox != null) {
                sandbox.end(Duration.ZERO);
                ended(instance, sandbox, new Exit.Crashed("killed by a fault"));
            }
        });
    }

    private static void end(Instance instance, Duration grace) {
        Sandbox sandbox = instance.sandbox;
        instance.sandbox = null;
        if (sandbox != null) {
            sandbox.end(grace);
        }
    }

    /** Finds the sandbox of an instance that an earlier metro kept, and finishes what was under way. */
    void adopt(Instance instance) {
        Optional<Images.Registered> image = instances.images().find(instance.image);
        Sandbox found = image.map(registered -> driver.find(launch(instance, registered)))
                .orElse(null);
        Sandbox.Condition condition = found == null ? Sandbox.Condition.ENDED : found.condition();
        if (found != null && condition != Sandbox.Condition.ENDED) {
            instance.sandbox = found;
            watch(instance, found);
        }
        if (instance.deleting) {
            delete(instance);
            return;
        }
        switch (instance.state) {
            case STOPPED, TEMPLATE, DELETED -> end(instance, Duration.ZERO);
            case STARTING -> takeUpStart(instance, condition);
            case RUNNING -> takeUpRun(instance, condition);
            case STANDBY -> takeUpStandby(instance, condition);
            case DRAINING, STOPPING -> takeUpStop(instance, condition);
        }
    }

    private void takeUpStart(Instance instance, Sandbox.Condition condition) {
        switch (condition) {
            case RUNNING -> instances.running(instance, 0);
            case FROZEN -> wake(instance);
            case ENDED -> boot(instance);
        }
    }

    private void takeUpRun(Instance instance, Sandbox.Condition condition) {
        switch (condition) {
            case RUNNING -> log.info("instance {} still runs", instance.name);
            case FROZEN -> {
                instances.move(instance, State.STARTING, State.RUNNING, "network");
                wake(instance);
            }
            case ENDED -> instances.stopped(instance, StopReason.NONE, 0, 0);
        }
    }

    private void takeUpStandby(Instance instance, Sandbox.Condition condition) {
        boolean lost = condition == Sandbox.Condition.ENDED && stateful(instance);
        if (lost) {
            instances.stopped(instance, StopReason.NONE, 0, 0);
        } else if (condition == Sandbox.Condition.RUNNING) {
            instances.move(instance, State.STOPPING, State.STANDBY, "scale-to-zero");
            suspend(instance);
        }
    }

    private void takeUpStop(Instance instance, Sandbox.Condition condition) {
        boolean toStandby = instance.goal == State.STANDBY;
        boolean toTemplate = instance.goal == State.TEMPLATE;
        if (condition == Sandbox.Condition.ENDED && (toTemplate || (toStandby && stateful(instance)))) {
            instances.stopped(instance, StopReason.NONE, 0, 0);
        } else if (toTemplate) {
            capture(instance);
        } else if (toStandby) {
            suspend(instance);
        } else {
            stop(instance, true);
        }
    }

    /** Cuts consoles that grew too long; what was cut counts as written and lost. */
    void trimConsoles() {
        for (Instance instance : instances.all()) {
            Path console = store.console(instance);
            try {
                long size = Files.exists(console) ? Files.size(console) : 0;
                if (size > MOST_CONSOLE_BYTES) {
                    synchronized (instances) {
                        instance.consoleDropped += size;
                    }
                    Files.newByteChannel(console, StandardOpenOption.WRITE)
                            .truncate(0)
                            .close();
                    instances.save(instance);
                }
            } catch (IOException e) {
                log.warn("cannot cut the console of {}: {}", instance.name, e.getMessage());
            }
        }
    }

    /** Says in the console why the metro gave up. */
    private void complain(Instance instance, String verb, @Nullable String reason) {
        say(instance, verb + " failed: " + reason);
    }

    private void say(Instance instance, String what) {
        try {
            Files.writeString(
                    store.console(instance),
                    "metro: " + what + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            log.warn("cannot write the console of {}: {}", instance.name, e.getMessage());
        }
    }

    void close(boolean stopSandboxes) {
        closing = true;
        workers.shutdown();
        if (stopSandboxes) {
            for (Instance instance : instances.all()) {
                instance.box.lock();
                try {
                    end(instance, Duration.ZERO);
                    instances.stopped(instance, StopReason.PLATFORM, 0, 0);
                } finally {
                    instance.box.unlock();
                }
            }
        }
        workers.shutdownNow();
    }
}
