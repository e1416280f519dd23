package dev.skerry.controlplane.llm;

import java.time.Duration;
import java.util.List;

/**
 * One model call.
 *
 * @param maxOutputTokens the provider stops the answer there
 * @param deadline for the whole call, retries included
 */
public record ModelRequest(
        String model,
        String system,
        List<Message> messages,
        List<ToolSpec> tools,
        ToolChoice toolChoice,
        int maxOutputTokens,
        Duration deadline) {
    /** Whether the model must call a tool. */
    public enum ToolChoice {
        AUTO,
        REQUIRED,
        NONE
    }
}
