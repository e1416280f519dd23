package dev.skerry.controlplane.budget;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class LateSettlementsTest {
    private final LateSettlements late = new LateSettlements();
    private final List<String> settled = new ArrayList<>();

    @Test
    void oneThatFailsHoldsUpNoOther() {
        late.add(() -> {
            throw new IllegalStateException("never");
        });
        late.add(() -> settled.add("another"));

        late.settle();

        assertThat(settled).containsExactly("another");
    }

    @Test
    void oneThatFailedIsTriedAgainAndOneThatSucceededIsNot() {
        Queue<RuntimeException> failures = new ArrayDeque<>(List.of(new IllegalStateException("once")));
        late.add(() -> {
            RuntimeException failure = failures.poll();
            if (failure != null) {
                throw failure;
            }
            settled.add("it");
        });

        late.settle();
        late.settle();
        late.settle();

        assertThat(settled).containsExactly("it");
    }

    @Test
    void aReservationThatTheStoreTookLateIsWaitedFor() {
        Queue<Boolean> found = new ArrayDeque<>(List.of(false, false, true));
        late.addOnceItAppears(() -> {
            settled.add("looked");
            return found.remove();
        });

        for (int time = 0; time < 5; time++) {
            late.settle();
        }

        assertThat(settled).hasSize(3);
    }
}
