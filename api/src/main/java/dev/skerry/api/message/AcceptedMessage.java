package dev.skerry.api.message;

import dev.skerry.api.turn.TurnView;

/**
 * The answer to a message.
 *
 * @param turn in which it will be worked on
 */
record AcceptedMessage(TurnView turn) {}
