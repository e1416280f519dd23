package dev.skerry.controlplane.profile;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a session's agent is told and what it may use.
 *
 * @param systemPrompt never leaves the control plane but for the model provider
 * @param maxSteps model calls of one turn
 * @param toolOutputBytes UTF-8 bytes that are kept of one tool's output
 */
public record Profile(String name, String systemPrompt, int maxSteps, int toolOutputBytes, List<Tool> tools) {

    /**
     * A tool that runs inside the sandbox.
     *
     * @param inputSchema JSON schema of its arguments
     * @param ephemeral how many of its newest results the model goes on to see; null for all
     */
    public record Tool(
            String name,
            String description,
            Map<String, Object> inputSchema,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Integer ephemeral) {}

    /**
     * Another program than the loop in the sandbox.
     *
     * @param command the program and its arguments
     */
    public record Agent(List<String> command) {}

    /** What the sandbox is told. */
    public record View(
            String name,
            List<Tool> tools,
            int maxSteps,
            int toolOutputBytes,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Agent agent) {}

    /** An empty command stands for the loop in the sandbox. */
    View view(List<String> agentCommand) {
        return new View(
                name, tools, maxSteps, toolOutputBytes, agentCommand.isEmpty() ? null : new Agent(agentCommand));
    }

    public Optional<Tool> tool(String toolName) {
        return tools.stream().filter(tool -> tool.name().equals(toolName)).findFirst();
    }
}
