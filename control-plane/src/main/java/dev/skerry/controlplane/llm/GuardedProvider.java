package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelException.Kind;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Asks a provider only while its circuit is closed. */
final class GuardedProvider implements ModelProvider {
    private final ModelProvider provider;
    private final Circuit circuit;

    GuardedProvider(ModelProvider provider, Circuit circuit) {
        this.provider = provider;
        this.circuit = circuit;
    }

    @Override
    public String name() {
        return provider.name();
    }

    @Override
    public ModelAnswer generate(ModelRequest request, Consumer<String> textDeltas) throws ModelException {
        circuit.enter();
        long start = System.nanoTime();
        @Nullable Kind failed = Kind.CANCELLED;
        try {
            ModelAnswer answer = provider.generate(request, textDeltas);
            failed = null;
            return answer;
        } catch (ModelException e) {
            failed = e.kind();
            throw e;
        } finally {
            if (failed == Kind.CANCELLED) {
                circuit.leave();
            } else {
                circuit.ended(failed == Kind.UNAVAILABLE, start);
            }
        }
    }
}
