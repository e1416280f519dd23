package dev.skerry.api.problem;

import java.util.Locale;

/** Every way in which this API refuses, with its HTTP status. */
public enum ProblemCode {
    UNAUTHORIZED(401, "Unauthorized"),
    NOT_FOUND(404, "Not found"),
    METHOD_NOT_ALLOWED(405, "Method not allowed"),
    NOT_ACCEPTABLE(406, "Not acceptable"),
    CONFLICT(409, "Conflict"),
    IN_FLIGHT(409, "Still being worked on"),
    SESSION_ENDED(409, "Session ended"),
    TOO_LARGE(413, "Too large"),
    UNSUPPORTED_MEDIA_TYPE(415, "Unsupported media type"),
    INVALID_REQUEST(422, "Invalid request"),
    IDEMPOTENCY_MISMATCH(422, "Idempotency key reused"),
    TOO_MANY_STREAMS(429, "Too many streams"),
    TOO_MANY_WAITING(429, "Too many messages wait"),
    INTERNAL(500, "Internal error"),
    UNAVAILABLE(503, "Unavailable");

    private final int status;
    private final String title;

    ProblemCode(int status, String title) {
        this.status = status;
        this.title = title;
    }

    public int status() {
        return status;
    }

    String title() {
        return title;
    }

    String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether the same request may succeed later. */
    boolean retryable() {
        return this == UNAVAILABLE || this == TOO_MANY_STREAMS || this == TOO_MANY_WAITING || this == IN_FLIGHT;
    }
}
