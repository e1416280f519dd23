package dev.skerry.controlplane.conversation;

import dev.skerry.store.Messages.MessageRow;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The tool calls that a turn's last assistant message made and that have no result yet. */
public final class OpenCalls {
    private OpenCalls() {}

    /** One call; {@code block} is {@code {id, name, arguments}}. */
    public record Call(String id, JsonNode block) {}

    /** {@code said} is everything said in one turn, oldest first. */
    public static List<Call> in(List<MessageRow> said, JsonMapper json) {
        Set<String> answered = said.stream()
                .filter(message -> message.role().equals("tool") && message.toolCallId() != null)
                .map(MessageRow::toolCallId)
                .collect(Collectors.toSet());
        return ofLastAnswer(said, json).stream()
                .filter(call -> !answered.contains(call.id()))
                .toList();
    }

    /** Every call of the last assistant message, answered or not. */
    static List<Call> ofLastAnswer(List<MessageRow> said, JsonMapper json) {
        return said.reversed().stream()
                .filter(message -> message.role().equals("assistant"))
                .findFirst()
                .map(message -> calls(json.readTree(message.content()), json))
                .orElse(List.of());
    }

    private static List<Call> calls(JsonNode content, JsonMapper json) {
        return content.valueStream()
                .filter(block -> block.path("type").asString("").equals("tool_call"))
                .map(block -> {
                    ObjectNode call = json.createObjectNode();
                    call.set("id", block.path("id"));
                    call.set("name", block.path("name"));
                    call.set("arguments", block.path("arguments"));
                    return new Call(block.path("id").asString(""), call);
                })
                .toList();
    }
}
