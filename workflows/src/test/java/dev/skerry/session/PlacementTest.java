package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.session.ControlActivities.MetroView;
import dev.skerry.session.Placement.Choice;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PlacementTest {
    private static final MetroView WELL = metro("well", null, 10);

    @Test
    void aFullMetroIsPassedOver() {
        Choice choice = choose(metro("full", null, 0), WELL);
        assertThat(choice.metro()).isEqualTo(WELL);
        assertThat(choice.why()).isEqualTo("well healthy, weight 1, 10 free; full is full");
    }

    @Test
    void anAilingMetroIsPassedOverAndItsAilmentToldOf() {
        Choice choice = choose(metro("ill", "degraded: images", 50), WELL);
        assertThat(choice.metro()).isEqualTo(WELL);
        assertThat(choice.why()).contains("ill ailing (degraded: images), weight 1, 50 free");
    }

    @Test
    void whenEveryMetroAilsOneIsTriedAnyway() {
        assertThat(choose(metro("ill", "keeps failing", 5)).metro().code()).isEqualTo("ill");
    }

    @Test
    void anAilingMetroIsPreferredToAFullOneAndToOneThatRefused() {
        Choice choice = Placement.choose(
                        List.of(metro("full", null, 0), metro("ill", "keeps failing", 5), WELL), Set.of("well"), 0)
                .orElseThrow();
        assertThat(choice.metro().code()).isEqualTo("ill");
        assertThat(choice.why()).contains("full is full", "well refused");
    }

    @Test
    void thereIsNoChoiceWhenEveryMetroIsFullOrRefused() {
        assertThat(Placement.choose(List.of(metro("full", null, 0), WELL), Set.of("well"), 0))
                .isEmpty();
    }

    @Test
    void anUnknownQuotaIsNoReasonToPassOver() {
        assertThat(choose(metro("open", null, null)).why()).isEqualTo("open healthy, weight 1");
    }

    @Test
    void weightsShareSessionsOut() {
        MetroView heavy = new MetroView("heavy", "unikraft", true, 3, null);
        MetroView light = new MetroView("light", "unikraft", true, 1, null);
        MetroView none = new MetroView("none", "unikraft", true, 0, null);
        Map<String, Integer> chosen = new HashMap<>();
        for (int seed = 0; seed < 400; seed++) {
            String code = Placement.choose(List.of(light, none, heavy), Set.of(), seed)
                    .orElseThrow()
                    .metro()
                    .code();
            chosen.merge(code, 1, Integer::sum);
        }
        assertThat(chosen).isEqualTo(Map.of("heavy", 300, "light", 100));
    }

    private static Choice choose(MetroView... metros) {
        return Placement.choose(List.of(metros), Set.of(), 0).orElseThrow();
    }

    private static MetroView metro(String code, @Nullable String ailment, @Nullable Integer free) {
        return new MetroView(code, "unikraft", ailment == null, 1, free, ailment);
    }
}
