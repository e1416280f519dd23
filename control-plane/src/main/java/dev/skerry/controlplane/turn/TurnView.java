package dev.skerry.controlplane.turn;

import tools.jackson.databind.JsonNode;

/**
 * A turn as its sandbox sees it.
 *
 * @param input content blocks of the person's message
 * @param nextSeq number of the next model call
 */
record TurnView(String id, int attempt, JsonNode input, int nextSeq) {}
