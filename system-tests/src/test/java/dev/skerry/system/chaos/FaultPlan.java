package dev.skerry.system.chaos;

import dev.skerry.system.chaos.Fault.Away;
import dev.skerry.system.chaos.Fault.Kill;
import dev.skerry.system.chaos.Fault.KillSandbox;
import dev.skerry.system.chaos.Fault.Metro;
import dev.skerry.system.chaos.Fault.Reap;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Which faults strike and when: each kind once and one after each step that a session takes, in orders that the seed decides; then
 * whichever the seed picks, among them each part killed after each step. A longer plan of the same seed begins as the shorter one.
 *
 * <p>A long outage takes as long as a dozen other faults: it is the first after the first round, and one in fifty after that.
 */
record FaultPlan(List<Planned> faults) {
    record Planned(Fault fault, Moment moment) {}

    /** {@code victims} are the processes that can be killed. */
    static FaultPlan of(long seed, int count, List<String> victims) {
        Dealer dealer = new Dealer(victims, new Random(seed));
        List<Planned> planned = new ArrayList<>();
        for (int at = 0; at < count; at++) {
            planned.add(dealer.deal(at));
        }
        return new FaultPlan(List.copyOf(planned));
    }

    static List<Fault> kinds(List<String> victims) {
        List<Fault> kinds = new ArrayList<>(kills(victims));
        kinds.add(new Reap());
        kinds.addAll(Metro.ALL);
        return List.copyOf(kinds);
    }

    private static List<Fault> kills(List<String> victims) {
        List<Fault> kills = new ArrayList<>();
        victims.forEach(victim -> kills.add(new Kill(List.of(victim))));
        kills.add(new KillSandbox());
        return List.copyOf(kills);
    }

    private static final class Dealer {
        /** Of the faults that are not dealt with a step, every third strikes at none, once each step was met. */
        private static final int WITHOUT_STEP = Moment.BOUNDARIES.size() / 2;

        private static final int BETWEEN_LONG_OUTAGES = 50;

        private final List<String> victims;
        private final Random random;
        private final List<Fault> kinds;
        private final Deque<Optional<String>> steps;
        private final Deque<Planned> kills = new ArrayDeque<>();

        Dealer(List<String> victims, Random random) {
            this.victims = victims;
            this.random = random;
            this.kinds = shuffled(FaultPlan.kinds(victims));
            this.steps = new ArrayDeque<>(shuffled(steps()));
        }

        Planned deal(int at) {
            int later = at - kinds.size();
            if (later < 0) {
                return sometime(kinds.get(at));
            }
            if (later % BETWEEN_LONG_OUTAGES == 0) {
                return sometime(Away.CONTROL_PLANE);
            }
            return switch (random.nextInt(10)) {
                case 0, 1, 2, 3 -> sometime(kinds.get(random.nextInt(kinds.size())));
                case 4 -> sometime(new Kill(shuffled(victims).subList(0, 2)));
                default -> kill();
            };
        }

        /** The next of all kills after all steps. */
        private Planned kill() {
            if (kills.isEmpty()) {
                List<Planned> all = new ArrayList<>();
                for (Fault kill : kills(victims)) {
                    Moment.BOUNDARIES.forEach(step -> all.add(new Planned(kill, moment(Optional.of(step)))));
                }
                kills.addAll(shuffled(all));
            }
            return kills.remove();
        }

        private Planned sometime(Fault fault) {
            if (steps.isEmpty()) {
                List<Optional<String>> deck = steps();
                deck.addAll(Collections.nCopies(WITHOUT_STEP, Optional.empty()));
                steps.addAll(shuffled(deck));
            }
            return new Planned(fault, moment(steps.remove()));
        }

        private Moment moment(Optional<String> boundary) {
            return new Moment(
                    Duration.ofMillis(random.nextInt(700)), boundary, Duration.ofMillis(50 + random.nextInt(1_500)));
        }

        private static List<Optional<String>> steps() {
            return new ArrayList<>(Moment.BOUNDARIES.stream().map(Optional::of).toList());
        }

        private <T> List<T> shuffled(Collection<T> all) {
            List<T> shuffled = new ArrayList<>(all);
            Collections.shuffle(shuffled, random);
            return List.copyOf(shuffled);
        }
    }
}
