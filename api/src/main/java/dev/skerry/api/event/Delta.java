package dev.skerry.api.event;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A piece of an answer on its way; it is shown, never kept.
 *
 * @param seq the model call within the turn that it belongs to
 * @param data a JSON object
 */
record Delta(String session, @Nullable String turn, int seq, String data) {
    /** Empty when the payload is not one of ours. */
    static Optional<Delta> parse(JsonMapper json, String payload) {
        try {
            JsonNode tree = json.readTree(payload);
            JsonNode data = tree.path("data");
            String session = tree.path("session").asString("");
            return session.isEmpty() || !data.isObject()
                    ? Optional.empty()
                    : Optional.of(new Delta(
                            session,
                            tree.path("turn").asString(null),
                            data.path("seq").asInt(0),
                            json.writeValueAsString(data)));
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }
}
