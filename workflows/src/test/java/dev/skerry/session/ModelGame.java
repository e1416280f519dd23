package dev.skerry.session;

import dev.skerry.session.ModelCloud.Vm;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * Several users at once; in the middle of their moves the worker restarts in one round and crashes in the other; whenever all is quiet, the
 * books must agree, and at last whoever is asked to suspend or to resume must do it.
 *
 * <p>No clock jumps: the server is a real one, see {@link ModelWorld}, and a real one has no clock to turn. Instead some sessions have timeouts
 * between tens of milliseconds and a second, which end while commands go on.
 */
final class ModelGame {
    static final int SLOTS = 20;
    private static final int ROUNDS = 2;
    private static final int COMMANDS = 30;
    static final int STEPS = SLOTS * ROUNDS * COMMANDS;
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final ModelWorld world;
    private final Random random;
    private final long seed;
    private final List<ModelSlot> slots = new ArrayList<>();
    private final ExecutorService users = Executors.newVirtualThreadPerTaskExecutor();

    ModelGame(ModelWorld world, long seed) {
        this.world = world;
        this.random = new Random(seed);
        this.seed = seed;
        for (int slot = 0; slot < SLOTS; slot++) {
            slots.add(new ModelSlot(world, seed * 1_000 + slot));
        }
    }

    void play() throws InterruptedException {
        try {
            rounds();
        } finally {
            users.shutdownNow();
        }
    }

    private void rounds() throws InterruptedException {
        for (int round = 0; round < ROUNDS; round++) {
            List<Future<?>> moves = new ArrayList<>();
            slots.forEach(slot -> moves.add(users.submit(() -> slot.act(COMMANDS))));
            ModelFaults.last(random.nextInt(200));
            if ((seed + round) % 2 == 0) {
                world.restartWorker();
            } else {
                world.crashWorker();
            }
            for (int i = 0; i < moves.size(); i++) {
                done(moves.get(i), slots.get(i));
            }
            becomesQuiet();
            timePasses();
            agrees();
            nothingIsBroken();
        }
        obeys();
        ends();
        nothingIsBroken();
    }

    private static void done(Future<?> moves, ModelSlot slot) throws InterruptedException {
        try {
            moves.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("stuck in " + slot.doing());
        } catch (ExecutionException e) {
            throw new AssertionError("failed in " + slot.doing(), e.getCause());
        }
    }

    private void becomesQuiet() {
        world.faults.forget();
        for (ModelSlot slot : slots) {
            awaits(
                    slot,
                    () -> slot.goesOn() && !slot.mortal()
                            ? slot.quietStatus() != null
                            : world.record.settled(slot.id()));
        }
    }

    private void awaits(ModelSlot slot, BooleanSupplier condition) {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (!condition.getAsBoolean()) {
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("stuck: " + slot.workflow().status() + " in " + slot.doing());
            }
            ModelFaults.last(10);
        }
    }

    /** What the workflow says of itself, the record of turns, and the machines that exist. */
    private void agrees() {
        for (ModelSlot slot : slots) {
            if (!slot.goesOn()) {
                continue;
            }
            SessionStatus now = slot.workflow().status();
            List<Vm> machines = world.cloud.of(slot.id());
            boolean agrees = now.status() == Status.IDLE
                    ? machines.size() == 1 && machines.getFirst().state() == SandboxActivities.Sighting.RUNNING
                    : machines.size() == (now.box() == null ? 0 : 1)
                            && machines.stream().allMatch(vm -> vm.state() == SandboxActivities.Sighting.FROZEN);
            world.record.demand(agrees, slot.id(), "says " + now + ", but there is " + machines);
            world.record.demand(
                    world.record.open(slot.id()) == 0,
                    slot.id(),
                    "is quiet, though turns are not over: " + slot.doing());
            world.record.demand(
                    world.record.cap(slot.id()) == slot.cap(), slot.id(), "forgot that its budget was raised");
        }
    }

    /** Sessions with short timeouts are suspended, then lose their VM. */
    private void timePasses() {
        for (ModelSlot slot : slots) {
            awaits(slot, () -> !slot.goesOn() || !slot.hasty() || slot.restsWithoutVm());
        }
    }

    private void obeys() {
        for (ModelSlot slot : slots) {
            if (slot.goesOn() && !slot.hasty()) {
                slot.steer("suspend at last", () -> slot.workflow().suspend());
                awaits(slot, () -> slot.workflow().status().status() == Status.SUSPENDED);
                slot.steer("resume at last", () -> slot.workflow().resume());
                awaits(slot, () -> slot.workflow().status().status() == Status.IDLE);
            }
        }
        agrees();
    }

    private void ends() {
        slots.forEach(ModelSlot::end);
        for (ModelSlot slot : slots) {
            for (SessionId session : slot.all()) {
                awaits(slot, () -> world.record.settled(session));
                world.record.demand(
                        world.cloud.of(session).isEmpty(), session, "ended and left " + world.cloud.of(session));
                world.record.demand(world.record.open(session) == 0, session, "ended and left turns that are not over");
            }
        }
    }

    private void nothingIsBroken() {
        if (!world.record.violations.isEmpty()) {
            throw new AssertionError(world.record.violations
                    + "\n"
                    + slots.stream().map(ModelSlot::doing).toList());
        }
    }
}
