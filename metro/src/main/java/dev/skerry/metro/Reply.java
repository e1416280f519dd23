package dev.skerry.metro;

import java.util.Map;

/** What goes back to a caller. */
sealed interface Reply {
    /** A whole body. */
    record Whole(int status, String type, Map<String, String> headers, byte[] body) implements Reply {}

    /** Server-sent events until the caller leaves. */
    record Events(Audit.Subscription subscription) implements Reply {}

    /** Nothing: the connection is closed. */
    record Cut() implements Reply {}
}
