package dev.skerry.api.turn;

import com.fasterxml.jackson.annotation.JsonRawValue;
import dev.skerry.store.Ledger;
import dev.skerry.store.TurnRow;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A turn as people see it. */
public record TurnView(
        String id,
        String session,
        String status,
        @Nullable String result,
        @Nullable String reason,

        @JsonRawValue @ArraySchema(schema = @Schema(type = "string"))
        String files,

        UsageView usage,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt) {

    static TurnView of(TurnRow row, List<Ledger.Usage> usage) {
        return new TurnView(
                row.id(),
                row.sessionId(),
                row.status(),
                row.result(),
                row.reasonCode(),
                row.files(),
                UsageView.of(usage),
                row.createdAt(),
                row.startedAt(),
                row.finishedAt());
    }
}
