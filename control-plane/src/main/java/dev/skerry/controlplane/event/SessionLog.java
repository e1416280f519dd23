package dev.skerry.controlplane.event;

import dev.skerry.store.Events;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Appends to a session's log; inside a transaction, with it. */
@Component
public class SessionLog {
    private final Events events;
    private final StoredJson json;

    SessionLog(Events events, StoredJson json) {
        this.events = events;
        this.json = json;
    }

    public void append(
            String session,
            String type,
            @Nullable String turn,
            @Nullable Integer incarnation,
            Map<String, ? extends @Nullable Object> data) {
        events.append(session, type, turn, incarnation, json.of(data));
    }
}
