package dev.skerry.api.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DeliveredTest {
    private final Delivered delivered = new Delivered();

    @Test
    void nothingComesBeforeTheFirstTurn() {
        assertThat(delivered.reach("ses_1", 0)).isTrue();
        assertThat(delivered.reach("ses_1", 1)).isFalse();
    }

    @Test
    void reachesAsFarAsTheNewestTurnThatWasSubmitted() {
        delivered.upTo("ses_1", 3);
        delivered.upTo("ses_1", 2);
        assertThat(delivered.reach("ses_1", 3)).isTrue();
        assertThat(delivered.reach("ses_1", 4)).isFalse();
        assertThat(delivered.reach("ses_2", 1)).isFalse();
    }

    @Test
    void forgetsTheSessionsThatItHeardOfLeastLately() {
        for (int i = 0; i < 20_000; i++) {
            delivered.upTo("ses_" + i, 1);
        }
        assertThat(delivered.reach("ses_0", 1)).isFalse();
        assertThat(delivered.reach("ses_19999", 1)).isTrue();
    }
}
