package dev.skerry.session;

import org.jspecify.annotations.Nullable;

/**
 * How a turn ended; what it said stays in the store.
 *
 * @param status how it ended
 * @param reason stable code, null when it completed
 */
public record TurnOutcome(TurnStatus status, @Nullable String reason) {}
