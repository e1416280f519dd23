package dev.skerry.controlplane.llm;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation, in no provider's form.
 *
 * @param toolCallId for a tool's result, the call that it answers
 * @param isError for a tool's result, whether the tool failed
 */
public record Message(
        Role role, List<Content> content, @Nullable String toolCallId, boolean isError) {
    /** Who speaks. */
    public enum Role {
        USER,
        ASSISTANT,
        TOOL
    }

    /** Every text block, joined by line ends. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Content block : content) {
            if (block instanceof Content.Text part) {
                text.append(text.isEmpty() ? "" : "\n").append(part.text());
            }
        }
        return text.toString();
    }
}
