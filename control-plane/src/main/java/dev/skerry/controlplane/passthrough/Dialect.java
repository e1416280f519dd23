package dev.skerry.controlplane.passthrough;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** One provider's own form of a model call: what of it may pass, what it may cost, and how its answers and errors look. */
sealed interface Dialect permits ChatCompletions, Responses, Messages {
    /** Name of the adapter whose models may be asked in this form. */
    String provider();

    /** What the call is recorded as. */
    String via();

    /** Where the provider takes it. */
    String path();

    /**
     * Throws {@link NotPassed} for whatever is not known to be harmless: fields, tools that run at the provider, content that the
     * provider would fetch, state that it would keep.
     */
    void check(ObjectNode body);

    /** How many answers are asked for at once. */
    int answers(ObjectNode body);

    /** The longest answer that the caller asks for; empty when it does not say. */
    Optional<Integer> mostOutput(ObjectNode body);

    /** Makes the request say what a call must always say. */
    void complete(ObjectNode body, int mostOutput, boolean openAiItself);

    /** Reads an answer while it passes. */
    Meter meter();

    /** An error in the provider's own form. */
    JsonNode error(JsonMapper json, int status, String code, @Nullable String field, String message);
}
