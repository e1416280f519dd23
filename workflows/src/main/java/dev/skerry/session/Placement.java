package dev.skerry.session;

import dev.skerry.session.ControlActivities.MetroView;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Chooses the metro of a new VM: a pure function, so that its choice replays. */
final class Placement {
    private Placement() {}

    /** A metro, and in a few words why this one. */
    record Choice(MetroView metro, String why) {}

    /**
     * The healthy metro with room that was not tried yet, chosen by weight; {@code seed} spreads sessions over equals. A metro that
     * is not healthy is chosen only when no other is left, one of weight 0 only when no other has any.
     */
    static Optional<Choice> choose(List<MetroView> metros, Set<String> tried, int seed) {
        List<MetroView> open = metros.stream()
                .filter(metro -> !tried.contains(metro.code()))
                .filter(Placement::hasRoom)
                .sorted(Comparator.comparing(MetroView::code))
                .toList();
        List<MetroView> healthy = open.stream().filter(MetroView::healthy).toList();
        return byWeight(healthy.isEmpty() ? open : healthy, seed)
                .map(chosen -> new Choice(chosen, why(chosen, metros, tried)));
    }

    private static boolean hasRoom(MetroView metro) {
        return metro.free() == null || metro.free() > 0;
    }

    private static Optional<MetroView> byWeight(List<MetroView> metros, int seed) {
        long total = metros.stream().mapToLong(Placement::weight).sum();
        if (total == 0) {
            return metros.stream().findFirst();
        }
        long at = Math.floorMod(seed, total);
        for (MetroView metro : metros) {
            at -= weight(metro);
            if (at < 0) {
                return Optional.of(metro);
            }
        }
        return Optional.empty();
    }

    private static long weight(MetroView metro) {
        return Math.max(0, metro.weight());
    }

    private static String why(MetroView chosen, List<MetroView> metros, Set<String> tried) {
        String others = metros.stream()
                .filter(metro -> !metro.code().equals(chosen.code()))
                .sorted(Comparator.comparing(MetroView::code))
                .map(metro -> metro.code() + " " + standing(metro, tried))
                .collect(Collectors.joining(", "));
        String own = chosen.code() + " " + standing(chosen, tried);
        return others.isEmpty() ? own : own + "; " + others;
    }

    private static String health(MetroView metro) {
        if (metro.healthy()) {
            return "healthy";
        }
        return metro.ailment() == null ? "ailing" : "ailing (" + metro.ailment() + ")";
    }

    private static String standing(MetroView metro, Set<String> tried) {
        if (tried.contains(metro.code())) {
            return "refused";
        }
        if (!hasRoom(metro)) {
            return "is full";
        }
        String room = metro.free() == null ? "" : ", " + metro.free() + " free";
        return health(metro) + ", weight " + metro.weight() + room;
    }
}
