package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.llm.Usage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads usage, text and tool calls off an answer that passes by, streamed or whole. */
abstract class Meter {
    private final StringBuilder text = new StringBuilder();
    private final List<String> tools = new ArrayList<>();
    private long characters;
    private boolean begun;
    private @Nullable String stopReason;

    /** Takes one event of a stream; answers true when it is the last that matters: what it cost is known. */
    abstract boolean event(JsonNode event);

    /** Takes an answer that came in one piece. */
    abstract void whole(JsonNode answer);

    /** What the provider says that it used; null when it has not said. */
    abstract @Nullable Usage usage();

    void text(String piece) {
        text.append(piece);
        wrote(piece);
    }

    /** Counts what was written without being text, such as a tool call's arguments. */
    void wrote(String piece) {
        begun = true;
        characters += piece.length();
    }

    void tool(String name) {
        begun = true;
        if (!name.isEmpty()) {
            tools.add(name);
        }
    }

    void begin() {
        begun = true;
    }

    void stopped(String reason) {
        if (!reason.isEmpty()) {
            stopReason = reason;
        }
    }

    boolean begun() {
        return begun;
    }

    long characters() {
        return characters;
    }

    String text() {
        return text.toString();
    }

    List<String> tools() {
        return List.copyOf(tools);
    }

    String stopReason() {
        return stopReason == null ? "" : stopReason;
    }

    static long number(JsonNode node, String... path) {
        JsonNode at = node;
        for (String step : path) {
            at = at.path(step);
        }
        return at.isIntegralNumber() ? Math.max(0, at.asLong()) : 0;
    }
}
