package dev.skerry.api.session;

import java.math.BigDecimal;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a person asks for.
 *
 * @param id chosen by the client, which makes the request repeatable
 * @param message the first message
 * @param model one of {@code GET /v1/models}
 */
record CreateSession(
        @Nullable String id,
        @Nullable String message,
        @Nullable String model,
        @Nullable Budget budget,
        @Nullable RequestedTimeouts timeouts,
        @Nullable Map<String, @Nullable String> labels) {

    /** What the session may spend, in US dollars. */
    record Budget(@Nullable BigDecimal maxCostUsd) {}

    /** ISO 8601 durations. */
    record RequestedTimeouts(
            @Nullable String idle,
            @Nullable String suspended,
            @Nullable String lifetime) {}
}
