package dev.skerry.controlplane.llm;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** One block of a message, as stored and as sandboxes see it. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Content.Text.class, name = "text"),
    @JsonSubTypes.Type(value = Content.Thinking.class, name = "thinking"),
    @JsonSubTypes.Type(value = Content.ToolCall.class, name = "tool_call")
})
public sealed interface Content {
    record Text(String text) implements Content {}

    /** A model's reasoning; the signature lets its provider accept it back. */
    record Thinking(String text, @Nullable String signature) implements Content {}

    /** What the model wants done; {@code arguments} is a JSON object. */
    record ToolCall(String id, String name, JsonNode arguments) implements Content {}
}
