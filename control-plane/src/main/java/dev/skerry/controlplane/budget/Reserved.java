package dev.skerry.controlplane.budget;

import dev.skerry.controlplane.llm.ModelInfo;
import dev.skerry.session.Money;

/**
 * A call that may be made.
 *
 * @param worstCase what it can cost at most, and what is reserved
 * @param inputTokens the most that it can read
 * @param outputTokens the most that it may be asked to write
 */
public record Reserved(
        String callId, Purpose purpose, ModelInfo model, Money worstCase, long inputTokens, int outputTokens) {}
