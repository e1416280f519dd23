package dev.skerry.controlplane.problem;

import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * A refusal as problem+json.
 *
 * @param code stable, for programs
 * @param reason what exactly went wrong with the model provider
 * @param retryAfterSeconds goes into the {@code Retry-After} header
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
        String type,
        String title,
        int status,
        String detail,
        String code,
        @Nullable String requestId,
        @Nullable String reason,

        @com.fasterxml.jackson.annotation.JsonIgnore @Nullable
        Integer retryAfterSeconds) {

    /** Maps a refusal; the only such place. */
    public static Problem of(Refusal refusal, @Nullable String requestId) {
        return switch (refusal) {
            case Refusal.Malformed(String detail) -> plain(400, "Bad request", "invalid_request", detail, requestId);
            case Refusal.Invalid(String detail) -> plain(422, "Invalid request", "invalid_request", detail, requestId);
            case Refusal.TooLarge(String detail) -> plain(413, "Too large", "too_large", detail, requestId);
            case Refusal.TooSlow(String detail) -> plain(408, "Too slow", "too_slow", detail, requestId);
            case Refusal.OutcomeUnknown(String detail) ->
                plain(409, "Outcome unknown", "outcome_unknown", detail, requestId);
            case Refusal.HttpFailed(String detail) -> plain(502, "Not answered", "http_failed", detail, requestId);
            case Refusal.NotFound(String detail) -> plain(404, "Not found", "not_found", detail, requestId);
            case Refusal.WrongMethod(String detail) ->
                plain(405, "Method not allowed", "invalid_request", detail, requestId);
            case Refusal.Unauthorized(String detail) -> plain(401, "Unauthorized", "unauthorized", detail, requestId);
            case Refusal.TokenSpent() ->
                plain(
                        401,
                        "Token spent",
                        "token_spent",
                        "This boot token was exchanged already, with another nonce.",
                        requestId);
            case Refusal.LeaseExpired() ->
                plain(
                        401,
                        "Lease expired",
                        "lease_expired",
                        "Call hello with this session token, once; if that is refused, exit.",
                        requestId);
            case Refusal.BudgetExceeded(String detail) ->
                plain(402, "Budget exceeded", "budget_exceeded", detail, requestId);
            case Refusal.Denied(String detail) -> plain(403, "Denied", "policy_denied", detail, requestId);
            case Refusal.ProbeFailed(String detail) -> plain(403, "Probe failed", "probe_failed", detail, requestId);
            case Refusal.Fenced() ->
                plain(409, "Fenced", "fenced", "A newer incarnation speaks for this session: exit.", requestId);
            case Refusal.Superseded() ->
                plain(409, "Superseded", "superseded", "A newer incarnation exists or this one was closed.", requestId);
            case Refusal.TurnOver(String detail) -> plain(409, "Turn over", "turn_over", detail, requestId);
            case Refusal.Conflict(String detail) -> plain(409, "Conflict", "conflict", detail, requestId);
            case Refusal.SessionEnded() ->
                plain(410, "Session ended", "session_ended", "The session is over: exit.", requestId);
            case Refusal.Throttled(String detail, int after) ->
                new Problem("about:blank", "Too many requests", 429, detail, "busy", requestId, null, after);
            case Refusal.Unavailable(String detail, int after) ->
                new Problem("about:blank", "Unavailable", 503, detail, "busy", requestId, null, after);
            case Refusal.ModelFailed(String reason, String detail) ->
                new Problem("about:blank", "Model error", 502, detail, "model_error", requestId, reason, null);
            case Refusal.Broken() ->
                plain(
                        500,
                        "Internal error",
                        "internal",
                        "The control plane failed; its log says why under this request id.",
                        requestId);
        };
    }

    private static Problem plain(int status, String title, String code, String detail, @Nullable String requestId) {
        return new Problem("about:blank", title, status, detail, code, requestId, null, null);
    }
}
