package dev.skerry.controlplane.conversation;

import java.math.BigDecimal;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** A stored assistant message as the sandbox sees it. */
record Answer(Message message, Usage usage, Budget budget) {
    /** The message; its content is text and tool calls, a model's reasoning stays here. */
    record Message(String id, String role, String stopReason, List<JsonNode> content) {}

    record Usage(long inputTokens, long outputTokens, BigDecimal costUsd) {}

    record Budget(BigDecimal remainingUsd) {}
}
