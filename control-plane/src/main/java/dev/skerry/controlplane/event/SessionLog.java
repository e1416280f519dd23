package dev.skerry.controlplane.event;

import dev.skerry.store.Events;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Appends to a session's log and, for what the control plane itself knows, to the audit log; inside a transaction, with it. */
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
        events.append(session, entry(type, turn, incarnation, data));
    }

    /** An event with its audit entry, for a statement that appends it. */
    public Events.Entry entry(
            String type,
            @Nullable String turn,
            @Nullable Integer incarnation,
            Map<String, ? extends @Nullable Object> data) {
        String text = json.of(data);
        return new Events.Entry(
                type,
                turn,
                incarnation,
                text,
                Audited.wants(type) ? json.of(Audited.of(turn, incarnation, data, text)) : null);
    }
}
