package dev.skerry.controlplane.profile;

import java.util.List;
import java.util.Map;
import java.util.Optional;

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
     */
    public record Tool(String name, String description, Map<String, Object> inputSchema) {}

    /** What the sandbox is told. */
    public record View(String name, List<Tool> tools, int maxSteps, int toolOutputBytes) {}

    public View view() {
        return new View(name, tools, maxSteps, toolOutputBytes);
    }

    public Optional<Tool> tool(String toolName) {
        return tools.stream().filter(tool -> tool.name().equals(toolName)).findFirst();
    }
}
