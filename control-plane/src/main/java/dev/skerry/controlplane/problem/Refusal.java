package dev.skerry.controlplane.problem;

/** Every way in which a request can be refused; {@code detail} is a sentence for people that says what to do next. */
public sealed interface Refusal {
    /** The request cannot be read at all. */
    record Malformed(String detail) implements Refusal {}

    /** The request can be read and makes no sense. */
    record Invalid(String detail) implements Refusal {}

    record TooLarge(String detail) implements Refusal {}

    /** The request did not arrive in time. */
    record TooSlow(String detail) implements Refusal {}

    /** Nobody knows whether the first attempt at this request had its effect, so it is not repeated. */
    record OutcomeUnknown(String detail) implements Refusal {}

    /** The server that a brokered request was for did not answer. */
    record HttpFailed(String detail) implements Refusal {}

    record NotFound(String detail) implements Refusal {}

    record WrongMethod(String detail) implements Refusal {}

    record Unauthorized(String detail) implements Refusal {}

    /** The boot token was exchanged by another nonce. */
    record TokenSpent() implements Refusal {}

    /** The session token does not count at present; it may be exchanged once if a resume is under way. */
    record LeaseExpired() implements Refusal {}

    record BudgetExceeded(String detail) implements Refusal {}

    /** The caller is who it is and may not do this. */
    record Denied(String detail) implements Refusal {}

    record ProbeFailed(String detail) implements Refusal {}

    /** A newer incarnation speaks for the session. */
    record Fenced() implements Refusal {}

    /** The worker asked for an incarnation that a newer one has replaced. */
    record Superseded() implements Refusal {}

    record TurnOver(String detail) implements Refusal {}

    record Conflict(String detail) implements Refusal {}

    record SessionEnded() implements Refusal {}

    /** Too much at once, of this session's making. */
    record Throttled(String detail, int retryAfterSeconds) implements Refusal {}

    /** Not now, through no fault of the caller. */
    record Unavailable(String detail, int retryAfterSeconds) implements Refusal {}

    /** The model provider did not answer; {@code reason} is a stable code. */
    record ModelFailed(String reason, String detail) implements Refusal {}

    /** A fault of this process; the log has it under the request's id. */
    record Broken() implements Refusal {}
}
