package dev.skerry.api.session;

import dev.skerry.api.turn.MessageText;
import dev.skerry.session.Money;
import dev.skerry.session.SessionId;
import dev.skerry.session.Timeouts;
import dev.skerry.store.Models.ModelRow;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * A request for a session after validation, with every default filled in.
 *
 * @param agentCommand empty for the built-in loop
 */
record SessionTerms(
        Optional<SessionId> id,
        Optional<MessageText> message,
        ModelRow model,
        boolean modelChosen,
        Money cap,
        Timeouts timeouts,
        List<String> agentCommand,
        SortedMap<String, String> labels) {}
