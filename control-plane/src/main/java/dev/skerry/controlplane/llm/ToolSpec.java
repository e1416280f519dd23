package dev.skerry.controlplane.llm;

import tools.jackson.databind.JsonNode;

/** A tool that a model may call; {@code inputSchema} is a JSON Schema of an object. */
public record ToolSpec(String name, String description, JsonNode inputSchema) {}
