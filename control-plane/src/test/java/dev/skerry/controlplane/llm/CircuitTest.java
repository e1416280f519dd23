package dev.skerry.controlplane.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.controlplane.llm.ModelException.Kind;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CircuitTest {
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final AtomicInteger asked = new AtomicInteger();
    private Kind failure = Kind.UNAVAILABLE;

    @Test
    void leavesAProviderAloneThatFailsAgainAndAgainAndTriesItLater() throws Exception {
        ModelProvider guarded = guarded(Duration.ofMillis(200));
        askAndFail(guarded, 10);

        assertThatThrownBy(() -> guarded.generate(ModelProviderContract.request(), text -> {}))
                .hasMessageContaining("left alone");
        assertThat(asked).hasValue(10);
        assertThat(meters.get("skerry.model.circuit.open").gauge().value()).isEqualTo(1);

        failure = null;
        Awaitility.await()
                .atMost(Duration.ofSeconds(5))
                .ignoreExceptions()
                .untilAsserted(() -> guarded.generate(ModelProviderContract.request(), text -> {}));
        guarded.generate(ModelProviderContract.request(), text -> {});
        guarded.generate(ModelProviderContract.request(), text -> {});
        assertThat(meters.get("skerry.model.circuit.open").gauge().value()).isZero();
    }

    @ParameterizedTest
    @EnumSource(names = "UNAVAILABLE", mode = EnumSource.Mode.EXCLUDE)
    void doesNotBlameAProviderForWhatIsNoFaultOfIts(Kind kind) {
        ModelProvider guarded = guarded(Duration.ofMinutes(1));
        failure = kind;
        askAndFail(guarded, 40);

        assertThat(asked).hasValue(40);
    }

    private ModelProvider guarded(Duration pause) {
        return new GuardedProvider(new Failing(), new Circuit("some", meters, pause));
    }

    private static void askAndFail(ModelProvider provider, int times) {
        for (int i = 0; i < times; i++) {
            assertThatThrownBy(() -> provider.generate(ModelProviderContract.request(), text -> {}))
                    .isInstanceOf(ModelException.class);
        }
    }

    private final class Failing implements ModelProvider {
        @Override
        public String name() {
            return "some";
        }

        @Override
        public ModelAnswer generate(ModelRequest request, Consumer<String> textDeltas) throws ModelException {
            asked.incrementAndGet();
            if (failure != null) {
                throw new ModelException(failure, "No.");
            }
            return new ModelAnswer(List.of(), ModelAnswer.StopReason.END_TURN, new Usage(0, 0, 0, 0, false));
        }
    }
}
