package dev.skerry.api.session;

import java.math.BigDecimal;
import java.util.List;
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
        @Nullable Agent agent,
        @Nullable Map<String, @Nullable String> labels) {

    /** What the session may spend, in US dollars. */
    record Budget(@Nullable BigDecimal maxCostUsd) {}

    /**
     * Another program than the built-in loop.
     *
     * @param command the program and its arguments; {@code {message}} stands for the person's message, which otherwise comes on
     *     standard input
     */
    record Agent(@Nullable List<@Nullable String> command) {}

    /** ISO 8601 durations. */
    record RequestedTimeouts(
            @Nullable String idle,
            @Nullable String suspended,
            @Nullable String lifetime) {}
}
