package dev.skerry.session;

import dev.skerry.session.ControlActivities.MetroView;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Chooses the metro of a new VM: a pure function, so that its choice replays. */
final class Placement {
    private Placement() {}

    /**
     * The healthy metro with room that was not tried yet, chosen by weight; {@code seed} spreads sessions over equals. A metro that
     * is not healthy is chosen only when no other is left.
     */
    static Optional<MetroView> choose(List<MetroView> metros, Set<String> tried, int seed) {
        List<MetroView> open = metros.stream()
                .filter(metro -> !tried.contains(metro.code()))
                .filter(metro -> metro.free() == null || metro.free() > 0)
                .sorted(Comparator.comparing(MetroView::code))
                .toList();
        List<MetroView> healthy = open.stream().filter(MetroView::healthy).toList();
        return byWeight(healthy.isEmpty() ? open : healthy, seed);
    }

    private static Optional<MetroView> byWeight(List<MetroView> metros, int seed) {
        int total = metros.stream().mapToInt(MetroView::weight).sum();
        if (total <= 0) {
            return metros.stream().findFirst();
        }
        int at = Math.floorMod(seed, total);
        for (MetroView metro : metros) {
            at -= metro.weight();
            if (at < 0) {
                return Optional.of(metro);
            }
        }
        return Optional.empty();
    }
}
