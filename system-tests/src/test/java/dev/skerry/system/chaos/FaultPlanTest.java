package dev.skerry.system.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.system.chaos.Fault.Away;
import dev.skerry.system.chaos.FaultPlan.Planned;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Even a short run meets every step that a session takes, and can be had again. */
class FaultPlanTest {
    private static final List<String> VICTIMS = List.of("worker", "control-plane", "api", "metro");
    private static final int STEPS = Moment.BOUNDARIES.size();

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 7, 42, 999_999})
    void everyStepIsMetAsSoonAsThereAreFaultsEnough(long seed) {
        assertThat(steps(plan(seed, STEPS))).containsExactlyInAnyOrderElementsOf(Moment.BOUNDARIES);
        assertThat(steps(plan(seed, STEPS - 1))).hasSize(STEPS - 1).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 7, 42, 999_999})
    void everyDeckAfterTheFirstRoundMeetsEveryStepOnceMoreAndLeavesRoomForNone(long seed) {
        int deck = STEPS + STEPS / 2;
        List<Planned> all = plan(seed, STEPS + 2 * deck);
        for (int begin = STEPS; begin < all.size(); begin += deck) {
            List<Planned> dealt = all.subList(begin, begin + deck);
            assertThat(steps(dealt)).containsExactlyInAnyOrderElementsOf(Moment.BOUNDARIES);
        }
    }

    @Test
    void everyKindOfFaultStrikesOnceBeforeAnyStrikesAgain() {
        List<Fault> kinds = FaultPlan.kinds(VICTIMS);
        assertThat(plan(7, kinds.size()).stream().map(Planned::fault)).containsExactlyInAnyOrderElementsOf(kinds);
    }

    @Test
    void onlyALongPlanHasALongOutageNowAndThen() {
        int round = FaultPlan.kinds(VICTIMS).size();
        List<Fault> faults = plan(7, round + 51).stream().map(Planned::fault).toList();
        assertThat(faults.subList(0, round)).doesNotContain(Away.CONTROL_PLANE);
        assertThat(faults.get(round)).isEqualTo(Away.CONTROL_PLANE);
        assertThat(faults.get(round + 50)).isEqualTo(Away.CONTROL_PLANE);
        assertThat(faults).filteredOn(Away.CONTROL_PLANE::equals).hasSize(2);
    }

    @Test
    void aSeedIsAPlanAndALongerOneBeginsTheSame() {
        List<Planned> hundred = plan(7, 100);
        assertThat(plan(7, 100)).isEqualTo(hundred);
        assertThat(plan(7, 60)).isEqualTo(hundred.subList(0, 60));
        assertThat(plan(8, 100)).isNotEqualTo(hundred);
    }

    @Test
    void faultsAndStepsMeetInOtherPairsFromSeedToSeed() {
        HashSet<Optional<String>> stepsOfTheFirstKind = new HashSet<>();
        Fault kind = FaultPlan.kinds(VICTIMS).getFirst();
        for (long seed = 0; seed < 200; seed++) {
            plan(seed, 30).stream()
                    .filter(planned -> planned.fault().equals(kind))
                    .forEach(planned -> stepsOfTheFirstKind.add(planned.moment().boundary()));
        }
        assertThat(stepsOfTheFirstKind).hasSize(STEPS + 1);
    }

    @Test
    void theReportNamesAlsoTheStepsThatNoFaultMet() {
        assertThat(ChaosReport.boundaries(List.of()))
                .containsOnlyKeys(Stream.of(Moment.BOUNDARIES)
                        .flatMap(List::stream)
                        .map(Moment::after)
                        .toList())
                .allSatisfy((step, met) -> assertThat(met).isZero());
    }

    private static List<Planned> plan(long seed, int faults) {
        return FaultPlan.of(seed, faults, VICTIMS).faults();
    }

    private static List<String> steps(List<Planned> plan) {
        return plan.stream()
                .flatMap(planned -> planned.moment().boundary().stream())
                .toList();
    }
}
