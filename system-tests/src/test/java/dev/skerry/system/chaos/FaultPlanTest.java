package dev.skerry.system.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.system.chaos.Fault.Away;
import dev.skerry.system.chaos.Fault.Kill;
import dev.skerry.system.chaos.Fault.KillSandbox;
import dev.skerry.system.chaos.FaultPlan.Planned;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Even a short run meets every step that a session takes, and can be had again. */
class FaultPlanTest {
    private static final List<String> VICTIMS = Stream.of(
                    Kill.ROLES, List.of("postgres", "temporal", "temporal's postgres"))
            .flatMap(List::stream)
            .toList();
    private static final int STEPS = Moment.BOUNDARIES.size();

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 7, 42, 999_999})
    void everyStepIsMetAsSoonAsThereAreFaultsEnough(long seed) {
        assertThat(steps(plan(seed, STEPS))).containsExactlyInAnyOrderElementsOf(Moment.BOUNDARIES);
        assertThat(steps(plan(seed, STEPS - 1))).hasSize(STEPS - 1).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 7, 42, 999_999})
    void aLongPlanKillsEveryPartAfterEveryStep(long seed) {
        Set<String> kills = new HashSet<>();
        for (Planned planned : plan(seed, 600)) {
            for (String part : planned.fault().killed()) {
                planned.moment().boundary().ifPresent(step -> kills.add(part + " after " + step));
            }
        }
        assertThat(kills).hasSize((VICTIMS.size() + 1) * STEPS);
    }

    @Test
    void aLongPlanMeetsSessionsAlsoBetweenTheirSteps() {
        assertThat(plan(7, 200).stream().map(Planned::moment).map(Moment::boundary))
                .contains(Optional.empty());
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
    void theReportTellsWhichPartsWereKilledAfterWhichSteps() {
        Instant now = Instant.now();
        List<Injection> injections = List.of(
                injection(new Kill(List.of("worker", "api")), Moment.after("turn.queued"), now, true),
                injection(new Kill(List.of("api")), Moment.after("turn.queued"), now, true),
                injection(new Kill(List.of("api")), Moment.AT_RANDOM, now, true),
                injection(new KillSandbox(), Moment.after("turn.started"), now, false));
        Map<String, Map<String, Long>> kills = ChaosReport.kills(injections, List.of("worker", "api", "sandbox"));
        assertThat(kills).containsOnlyKeys(Moment.BOUNDARIES);
        assertThat(kills.get("turn.queued")).isEqualTo(Map.of("worker", 1L, "api", 2L, "sandbox", 0L));
        assertThat(kills.get("turn.started")).isEqualTo(Map.of("worker", 0L, "api", 0L, "sandbox", 0L));
    }

    private static Injection injection(Fault fault, String when, Instant at, boolean struck) {
        return new Injection(1, fault, when, at, at, "", "", struck);
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
