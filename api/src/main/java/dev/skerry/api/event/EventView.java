package dev.skerry.api.event;

import com.fasterxml.jackson.annotation.JsonRawValue;
import dev.skerry.store.Events.EventRow;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An event as people see it.
 *
 * @param id its number within the session, null when the event is transient
 */
record EventView(
        @Nullable Long id,
        String type,
        Instant at,
        @Nullable String turn,
        @Nullable Integer incarnation,
        @JsonRawValue @Schema(type = "object") String data) {

    static EventView of(EventRow row) {
        return new EventView(row.seq(), row.type(), row.at(), row.turnId(), row.incarnation(), row.data());
    }
}
