package dev.skerry.metro;

import dev.skerry.metro.Fault.Scope;
import dev.skerry.metro.Instance.State;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every instance of the metro and where it is in its life.
 *
 * <p>A verb checks the state, notes the change that is under way, keeps both on disk, and leaves the work to {@link Boxes}; so a metro
 * that was killed knows at its next start what it was about to do.
 */
final class Instances {
    private static final Logger log = LoggerFactory.getLogger(Instances.class);
    private static final long LEAST_FREE_BYTES = 64L << 20;
    private static final Duration FIRST_BACK_OFF = Duration.ofSeconds(5);
    private static final Duration LONGEST_BACK_OFF = Duration.ofMinutes(5);
    private static final long HEALTHY_MILLIS = 10_000;

    private final Limits limits;
    private final Images images;
    private final InstanceStore store;
    private final Faults faults;
    private final Audit audit;
    private final Map<String, Instance> byUuid = new LinkedHashMap<>();
    private @Nullable Boxes boxes;
    private int lastNumber;

    Instances(Limits limits, Images images, InstanceStore store, Faults faults, Audit audit) {
        this.limits = limits;
        this.images = images;
        this.store = store;
        this.faults = faults;
        this.audit = audit;
    }

    /** Takes up what an earlier metro left, and finishes what it had begun. */
    void open(Boxes workers) {
        this.boxes = workers;
        try {
            for (Instance instance : store.load()) {
                synchronized (this) {
                    byUuid.put(instance.uuid, instance);
                    lastNumber = Math.max(lastNumber, instance.number);
                }
                workers.adopt(instance);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Boxes boxes() {
        return Objects.requireNonNull(boxes);
    }

    synchronized Instance create(Order order) throws ItemException {
        String name = order.name().isEmpty() ? freeName(order.image()) : order.name();
        if (named(name).isPresent()) {
            throw new ItemException(
                    ItemException.ALREADY_EXISTS, "An instance with the name '" + name + "' already exists");
        }
        Instance template = order.template() == null ? null : template(order.template());
        Instance instance = new Instance();
        instance.uuid = UUID.randomUUID().toString();
        instance.name = name;
        instance.number = ++lastNumber;
        instance.image = template == null ? order.image() : template.image;
        instance.args = template == null ? order.args() : template.args;
        instance.env = template == null ? order.env() : template.env;
        instance.memoryMb = template == null ? order.memoryMb() : template.memoryMb;
        instance.vcpus = template == null ? order.vcpus() : template.vcpus;
        instance.hostname = order.hostname().isEmpty() ? name : order.hostname();
        instance.tags = order.tags();
        instance.annotations = new LinkedHashMap<>(order.annotations());
        instance.deleteOnStop = order.deleteOnStop();
        instance.restartPolicy = order.restartPolicy();
        instance.scaleToZero = order.scaleToZero();
        instance.roms = order.roms();
        instance.autokillMillis = order.autokillMillis();
        instance.serviceGroup = order.serviceGroup();
        instance.createdAt = now();
        if (template != null) {
            instance.clonedFrom = template.uuid;
            instance.warm = template.warm;
            template.lastClonedAt = now();
            save(template);
        }
        demandRoom(instance);
        try {
            store.create(instance);
        } catch (IOException e) {
            discard(instance);
            throw new ItemException(ItemException.NONE_FREE, "Failed to allocate instance: the disk refuses");
        }
        byUuid.put(instance.uuid, instance);
        if (order.autostart()) {
            boot(instance);
        }
        return instance;
    }

    private void discard(Instance instance) {
        try {
            store.delete(instance);
        } catch (IOException e) {
            log.warn("cannot remove what is left of {}: {}", instance.uuid, e.getMessage());
        }
    }

    private void demandRoom(Instance wanted) throws ItemException {
        if (byUuid.size() >= limits.instances()) {
            throw quota("instances", limits.instances());
        }
        demandLiveRoom(wanted);
        if (store.freeBytes() < LEAST_FREE_BYTES) {
            throw new ItemException(ItemException.NONE_FREE, "Failed to allocate instance: no disk space is left");
        }
    }

    private void demandLiveRoom(Instance wanted) throws ItemException {
        long memory = wanted.memoryMb;
        long vcpus = wanted.vcpus;
        for (Instance other : byUuid.values()) {
            if (other.live() && !other.uuid.equals(wanted.uuid)) {
                memory += other.memoryMb;
                vcpus += other.vcpus;
            }
        }
        if (memory > limits.liveMemoryMb()) {
            throw quota("live memory in MiB", limits.liveMemoryMb());
        }
        if (vcpus > limits.liveVcpus()) {
            throw quota("live vcpus", limits.liveVcpus());
        }
    }

    private static ItemException quota(String what, long most) {
        return new ItemException(
                ItemException.QUOTA,
                "Failed to allocate instance. Quota exceeded (" + what + ", at most " + most + ")");
    }

    private String freeName(String image) {
        String base = image.replaceAll("^.*/|[@:].*$", "").replaceAll("[^A-Za-z0-9-]", "");
        String name;
        do {
            name = (base.isEmpty() ? "instance" : base) + "-" + randomWord(5);
        } while (named(name).isPresent());
        return name;
    }

    static String randomWord(int length) {
        return ThreadLocalRandom.current()
                .ints(length, 0, 36)
                .mapToObj(digit -> Character.toString(Character.forDigit(digit, 36)))
                .reduce("", String::concat);
    }

    private void boot(Instance instance) {
        instance.restartAt = null;
        move(instance, State.STARTING, State.RUNNING, "api");
        boxes().boot(instance);
    }

    synchronized void start(Instance instance) throws ItemException {
        switch (instance.state) {
            case RUNNING, STARTING -> {}
            case STOPPED -> {
                demandLiveRoom(instance);
                instance.restartAttempt = 0;
                boot(instance);
            }
            case STANDBY -> {
                move(instance, State.STARTING, State.RUNNING, "api");
                boxes().wake(instance);
            }
            case DRAINING, STOPPING, TEMPLATE, DELETED -> throw wrongState("start", instance);
        }
    }

    synchronized void suspend(Instance instance) throws ItemException {
        switch (instance.state) {
            case STANDBY -> {}
            case RUNNING -> {
                move(instance, State.STOPPING, State.STANDBY, "api");
                boxes().suspend(instance);
            }
            case STOPPED, STARTING, DRAINING, STOPPING, TEMPLATE, DELETED -> throw wrongState("suspend", instance);
        }
    }

    synchronized void stop(Instance instance, boolean force) throws ItemException {
        instance.restartAt = null;
        switch (instance.state) {
            case STOPPED -> {}
            case STARTING, RUNNING, DRAINING, STANDBY, STOPPING -> {
                instance.pendingStopReason = force ? StopReason.FORCED_BY_USER : StopReason.USER;
                move(instance, State.STOPPING, State.STOPPED, "api");
                boxes().stop(instance, force);
            }
            case TEMPLATE, DELETED -> throw wrongState("stop", instance);
        }
    }

    /** Under way when it returns; the instance is gone once {@link #find} does not find it. */
    synchronized void delete(Instance instance) throws ItemException {
        if (instance.deleteLock) {
            throw new ItemException(ItemException.NOT_ALLOWED, "Deletion protection enabled");
        }
        discardInstance(instance, "api");
    }

    private void discardInstance(Instance instance, String origin) {
        if (!instance.deleting) {
            instance.deleting = true;
            instance.pendingStopReason = StopReason.FORCED_BY_USER;
            if (instance.state != State.STOPPED && instance.state != State.TEMPLATE) {
                move(instance, State.STOPPING, State.DELETED, origin);
            } else {
                save(instance);
            }
            boxes().delete(instance);
        }
    }

    /** Turns a running or suspended instance into a template for good. */
    synchronized void toTemplate(Instance instance, long autokillMillis) throws ItemException {
        switch (instance.state) {
            case RUNNING, STANDBY -> {
                instance.templateAutokillMillis = autokillMillis;
                instance.toTemplate = true;
                instance.lastClonedAt = now();
                move(instance, State.STOPPING, State.TEMPLATE, "api");
                boxes().capture(instance);
            }
            case STOPPED, STARTING, DRAINING, STOPPING, TEMPLATE, DELETED -> throw wrongState("template", instance);
        }
    }

    private static ItemException wrongState(String verb, Instance instance) {
        return new ItemException(
                ItemException.WRONG_STATE,
                "Cannot " + verb + " instance '" + instance.name + "' in state '" + instance.state.wire() + "'");
    }

    private synchronized Instance template(String key) throws ItemException {
        return find(key)
                .filter(found -> found.state == State.TEMPLATE && !found.deleting)
                .orElseThrow(() ->
                        new ItemException(ItemException.NOT_FOUND, "No template with name or uuid '" + key + "'"));
    }

    synchronized Optional<Instance> find(String nameOrUuid) {
        Instance byId = byUuid.get(nameOrUuid);
        return byId != null ? Optional.of(byId) : named(nameOrUuid);
    }

    synchronized Optional<Instance> named(String name) {
        return byUuid.values().stream()
                .filter(instance -> instance.name.equals(name))
                .findFirst();
    }

    /** Oldest first. */
    synchronized Collection<Instance> all() {
        return List.copyOf(byUuid.values());
    }

    /** Waits until the test holds or the time is over, and answers which; a vanished instance ends the wait. */
    synchronized boolean await(Instance instance, Predicate<Instance> test, Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!test.test(instance)) {
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0 || instance.state == State.DELETED) {
                return false;
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }

    /** Notes a change that is under way, and what it leads to. */
    synchronized void move(Instance instance, State during, State goal, String origin) {
        change(instance, during, origin);
        instance.goal = goal;
        save(instance);
    }

    synchronized void running(Instance instance, long bootMicros) {
        if (instance.state != State.STARTING || instance.deleting) {
            return;
        }
        instance.startCount++;
        instance.startedAt = now();
        instance.stoppedAt = null;
        if (bootMicros > 0) {
            instance.bootTimeMicros = bootMicros;
        }
        reached(instance, State.RUNNING, "api");
        faults.strike(Scope.RUN, "start", instance.name).ifPresent(rule -> boxes().kill(instance, rule.delayMillis()));
    }

    synchronized void standby(Instance instance) {
        if (instance.state != State.STOPPING || instance.deleting || instance.goal != State.STANDBY) {
            return;
        }
        countUptime(instance);
        instance.stopReason = StopReason.SUSPENDED;
        instance.stopCode = StopReason.CLEAN;
        instance.stoppedAt = now();
        reached(instance, State.STANDBY, "api");
    }

    /** It could not be frozen, and still runs. */
    synchronized void notSuspended(Instance instance) {
        if (instance.state == State.STOPPING && instance.goal == State.STANDBY) {
            reached(instance, State.RUNNING, "platform");
        }
    }

    synchronized void template(Instance instance, boolean warm) {
        countUptime(instance);
        instance.warm = warm;
        instance.toTemplate = false;
        instance.stoppedAt = now();
        reached(instance, State.TEMPLATE, "api");
    }

    synchronized void stopped(Instance instance, int reason, int stopCode, int exitCode) {
        if (!instance.live() || instance.state == State.DELETED) {
            return;
        }
        boolean asked = instance.goal == State.STOPPED || instance.deleting;
        countUptime(instance);
        instance.toTemplate = false;
        instance.stopReason = reason;
        instance.stopCode = stopCode;
        instance.exitCode = exitCode;
        instance.stoppedAt = now();
        Patches.applyPending(instance);
        reached(instance, State.STOPPED, asked ? "api" : "guest");
        if (!asked) {
            afterItsOwnEnd(instance);
        } else if (instance.deleteOnStop) {
            discardInstance(instance, "delete-on-stop");
        }
    }

    private void afterItsOwnEnd(Instance instance) {
        if (instance.deleteOnStop) {
            discardInstance(instance, "delete-on-stop");
            return;
        }
        boolean crashed = instance.stopReason == StopReason.KERNEL_CRASH;
        if (!instance.restartPolicy.equals("always") && !(instance.restartPolicy.equals("on-failure") && crashed)) {
            return;
        }
        boolean wasHealthy = instance.startedAt != null
                && Instant.parse(instance.startedAt).plusMillis(HEALTHY_MILLIS).isBefore(Instant.now());
        instance.restartAttempt = wasHealthy ? 1 : instance.restartAttempt + 1;
        Duration wait = instance.restartAttempt == 1
                ? Duration.ZERO
                : FIRST_BACK_OFF.multipliedBy(1L << Math.min(10, instance.restartAttempt - 2));
        instance.restartAt = Instant.now()
                .plus(wait.compareTo(LONGEST_BACK_OFF) > 0 ? LONGEST_BACK_OFF : wait)
                .truncatedTo(ChronoUnit.MILLIS)
                .toString();
        save(instance);
    }

    private static void countUptime(Instance instance) {
        if (instance.startedAt != null && instance.stoppedAt == null) {
            instance.uptimeMillis += Duration.between(Instant.parse(instance.startedAt), Instant.now())
                    .toMillis();
        }
    }

    private void reached(Instance instance, State state, String origin) {
        change(instance, state, origin);
        instance.goal = null;
        save(instance);
    }

    private void change(Instance instance, State state, String origin) {
        State before = instance.state;
        instance.state = state;
        notifyAll();
        if (before != state) {
            audit.changed(instance, before, origin);
        }
    }

    /** After its last process and file are gone. */
    synchronized void forget(Instance instance) {
        change(instance, State.DELETED, "api");
        byUuid.remove(instance.uuid);
        notifyAll();
    }

    /** Keeps it on disk; a full disk is told and does not stop the world. */
    synchronized void save(Instance instance) {
        if (instance.state == State.DELETED) {
            return;
        }
        try {
            store.save(instance);
        } catch (IOException e) {
            log.error("cannot keep the state of instance {}: {}", instance.uuid, e.getMessage());
        }
    }

    /** What time brings: restarts that are due, the dead man's switch. A standby instance does not count as stopped. */
    synchronized void tick(Instant now) {
        for (Instance instance : new ArrayList<>(byUuid.values())) {
            if (instance.state == State.STOPPED
                    && instance.restartAt != null
                    && !Instant.parse(instance.restartAt).isAfter(now)) {
                instance.restartCount++;
                boot(instance);
            } else if (due(instance.state == State.STOPPED, instance.stoppedAt, instance.autokillMillis, now)
                    || due(
                            instance.state == State.TEMPLATE,
                            instance.lastClonedAt,
                            instance.templateAutokillMillis,
                            now)) {
                discardInstance(instance, "autokill");
            }
        }
    }

    private static boolean due(boolean counts, @Nullable String since, long millis, Instant now) {
        return counts
                && millis > 0
                && since != null
                && Instant.parse(since).plusMillis(millis).isBefore(now);
    }

    void close(boolean stopSandboxes) {
        boxes().close(stopSandboxes);
    }

    Images images() {
        return images;
    }

    Limits limits() {
        return limits;
    }

    static String now() {
        return Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
    }
}
