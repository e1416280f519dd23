package dev.skerry.controlplane.llm;

import java.util.function.Consumer;

/** Whoever runs models. */
public interface ModelProvider {
    String name();

    /**
     * Calls the model and waits for the whole answer. Text is handed on as it comes. Interrupting the thread breaks the call off,
     * with kind {@code CANCELLED}.
     */
    ModelAnswer generate(ModelRequest request, Consumer<String> textDeltas) throws ModelException;
}
