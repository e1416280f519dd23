package dev.skerry.system.chaos;

import dev.skerry.system.chaos.Fault.Away;
import dev.skerry.system.chaos.Fault.Kill;
import dev.skerry.system.chaos.Fault.KillSandbox;
import dev.skerry.system.chaos.Fault.Metro;
import dev.skerry.system.chaos.Fault.Reap;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Which faults strike and when: each kind once and one after each step that a session takes, in orders that the seed decides; then
 * whichever the seed picks. A longer plan of the same seed begins as the shorter one.
 *
 * <p>A long outage takes as long as a dozen other faults: it is the first after the first round, and one in fifty after that.
 */
record FaultPlan(List<Planned> faults) {
    /** So that any fault can meet any step, the moments after the first round come in decks in which every third is no step's. */
    private static final int WITHOUT_STEP = Moment.BOUNDARIES.size() / 2;

    private static final int BETWEEN_LONG_OUTAGES = 50;

    record Planned(Fault fault, Moment moment) {}

    /** {@code victims} are the processes that can be killed. */
    static FaultPlan of(long seed, int count, List<String> victims) {
        Random random = new Random(seed);
        List<Fault> kinds = new ArrayList<>(kinds(victims));
        Collections.shuffle(kinds, random);
        Deque<Optional<String>> steps = new ArrayDeque<>(steps(0, random));
        List<Planned> planned = new ArrayList<>();
        for (int at = 0; at < count; at++) {
            Fault fault = at < kinds.size() ? kinds.get(at) : later(at - kinds.size(), kinds, victims, random);
            if (steps.isEmpty()) {
                steps.addAll(steps(WITHOUT_STEP, random));
            }
            planned.add(new Planned(fault, moment(steps.remove(), random)));
        }
        return new FaultPlan(List.copyOf(planned));
    }

    static List<Fault> kinds(List<String> victims) {
        List<Fault> kinds = new ArrayList<>();
        victims.forEach(victim -> kinds.add(new Kill(List.of(victim))));
        kinds.add(new KillSandbox());
        kinds.add(new Reap());
        kinds.addAll(Metro.ALL);
        return List.copyOf(kinds);
    }

    private static Fault later(int at, List<Fault> kinds, List<String> all, Random random) {
        return at % BETWEEN_LONG_OUTAGES == 0 ? Away.CONTROL_PLANE : any(kinds, all, random);
    }

    /** Half of what comes after the first round are kills, one in five of these of two parts at once. */
    private static Fault any(List<Fault> kinds, List<String> all, Random random) {
        if (random.nextBoolean()) {
            return kinds.get(random.nextInt(kinds.size()));
        }
        List<String> victims = new ArrayList<>(all);
        Collections.shuffle(victims, random);
        return new Kill(List.copyOf(victims.subList(0, random.nextInt(5) == 0 ? 2 : 1)));
    }

    private static List<Optional<String>> steps(int without, Random random) {
        List<Optional<String>> steps = new ArrayList<>(Collections.nCopies(without, Optional.empty()));
        Moment.BOUNDARIES.forEach(step -> steps.add(Optional.of(step)));
        Collections.shuffle(steps, random);
        return steps;
    }

    private static Moment moment(Optional<String> boundary, Random random) {
        return new Moment(
                Duration.ofMillis(random.nextInt(700)), boundary, Duration.ofMillis(50 + random.nextInt(1_500)));
    }
}
