package dev.skerry.controlplane.llm;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** One block of a message, as stored and as sandboxes see it. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Content.Text.class, name = "text"),
    @JsonSubTypes.Type(value = Content.Image.class, name = "image"),
    @JsonSubTypes.Type(value = Content.Opaque.class, name = "opaque"),
    @JsonSubTypes.Type(value = Content.Thinking.class, name = "thinking"),
    @JsonSubTypes.Type(value = Content.ToolCall.class, name = "tool_call")
})
public sealed interface Content {
    record Text(String text) implements Content {}

    /** A picture; {@code data} is base64. */
    record Image(String mediaType, String data) implements Content {
        String dataUrl() {
            return "data:" + mediaType + ";base64," + data;
        }
    }

    /** A block that only its provider understands, and that it wants back as it was: reasoning that it encrypted. */
    record Opaque(String provider, JsonNode block) implements Content {}

    /** A model's reasoning; the signature lets its provider accept it back. */
    record Thinking(String text, @Nullable String signature) implements Content {}

    /** What the model wants done; {@code arguments} is a JSON object. */
    record ToolCall(String id, String name, JsonNode arguments) implements Content {}
}
