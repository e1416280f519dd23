package dev.skerry.controlplane.llm;

import java.util.function.BiConsumer;
import tools.jackson.databind.node.ObjectNode;

/** Writes a request's tools in the way that both of OpenAI's interfaces share; they differ in how one tool is put. */
final class OpenAiTools {
    private OpenAiTools() {}

    /** {@code form} fills in one tool. */
    static void put(ObjectNode body, ModelRequest request, BiConsumer<ObjectNode, ToolSpec> form) {
        if (request.tools().isEmpty()) {
            return;
        }
        var tools = body.putArray("tools");
        request.tools().forEach(tool -> form.accept(tools.addObject().put("type", "function"), tool));
        body.put(
                "tool_choice",
                switch (request.toolChoice()) {
                    case AUTO -> "auto";
                    case REQUIRED -> "required";
                    case NONE -> "none";
                });
    }

    static void describe(ObjectNode at, ToolSpec tool) {
        at.put("name", tool.name()).put("description", tool.description()).set("parameters", tool.inputSchema());
    }
}
