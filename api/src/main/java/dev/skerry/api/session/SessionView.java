package dev.skerry.api.session;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonRawValue;
import dev.skerry.api.turn.TurnView;
import dev.skerry.session.Reason;
import io.swagger.v3.oas.annotations.media.Schema;
import java.math.BigDecimal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A session as people see it.
 *
 * @param turn the first turn, only in the answer to a creation with a message
 */
record SessionView(
        String id,
        String status,
        @Nullable Reason reason,
        String model,
        boolean modelIsRehearsal,
        int incarnation,
        @Nullable String provider,
        @Nullable String metro,
        @Nullable String driver,
        BudgetView budget,
        BigDecimal costUsd,
        TimeoutsView timeouts,

        @JsonRawValue @Schema(type = "object", additionalPropertiesSchema = String.class)
        String labels,

        Instant createdAt,
        Instant updatedAt,
        @Nullable Instant endedAt,
        @Nullable String stopReason,
        LinksView links,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable TurnView turn) {

    /** US dollars. */
    record BudgetView(BigDecimal maxCostUsd) {}

    /** ISO 8601 durations. */
    record TimeoutsView(String idle, String suspended, String lifetime) {}

    /** Where else to look. */
    record LinksView(@Nullable String temporal) {}
}
