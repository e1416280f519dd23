package dev.skerry.activities.control;

import dev.skerry.activities.http.JsonHttp;
import dev.skerry.activities.http.JsonHttp.Answer;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.Money;
import dev.skerry.session.Provisioned;
import dev.skerry.session.Reason;
import dev.skerry.session.SessionId;
import dev.skerry.session.Transition;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import io.temporal.failure.ApplicationFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/** Client of the control plane's internal API. Temporal retries what fails here, because every call is idempotent. */
public final class ControlPlane {
    private static final Duration DEADLINE = Duration.ofSeconds(6);
    private static final Duration SLACK = Duration.ofSeconds(5);

    private final JsonHttp http;

    public ControlPlane(JsonHttp http) {
        this.http = http;
    }

    /** What a sandbox needs to introduce itself; the token is a secret and good for one hello. */
    public record Boot(String bootToken, String controlPlaneUrl) {
        @Override
        public String toString() {
            return "Boot[" + controlPlaneUrl + "]";
        }
    }

    /** What became of giving a turn to a sandbox. */
    public sealed interface Given {
        /** The control plane completes the activity with the outcome. */
        record Accepted() implements Given {}

        record Over(TurnOutcome outcome) implements Given {}

        record Lost(String reason) implements Given {}
    }

    public Boot openBoot(SessionId session, int incarnation) {
        JsonNode body = open(session, incarnation, null);
        return new Boot(
                body.path("boot_token").asString(),
                body.path("control_plane_url").asString());
    }

    public void openResume(SessionId session, int incarnation, int resumes) {
        open(session, incarnation, resumes);
    }

    private JsonNode open(SessionId session, int incarnation, @Nullable Integer resumes) {
        Map<String, @Nullable Object> body = new HashMap<>();
        body.put("number", incarnation);
        body.put("resumes", resumes);
        return post("open", "sessions/" + session + "/incarnations", body, DEADLINE);
    }

    /**
     * Waits for the incarnation's hello, at most this long; answers whether it came. Throws a failure of type
     * {@link FailureTypes#PROBE_FAILED} when it was refused.
     */
    public boolean awaitHello(SessionId session, int incarnation, Duration patience) {
        JsonNode body = post(
                "await_hello", incarnation(session, incarnation) + "/hello", waiting(patience), patience.plus(SLACK));
        return switch (body.path("state").asString()) {
            case "ready" -> true;
            case "waiting" -> false;
            case "refused" ->
                throw ApplicationFailure.newNonRetryableFailure(
                        body.path("reason").asString(), FailureTypes.PROBE_FAILED);
            default -> throw unexpected("await_hello");
        };
    }

    /**
     * Gives a turn to an incarnation.
     *
     * @param again whether it was given before and Temporal has heard nothing for too long: then the incarnation must have been seen lately
     */
    public Given giveTurn(Transition running, TurnId turn, byte[] taskToken, boolean again) {
        JsonNode body = post(
                "give_turn",
                incarnation(running.session(), running.incarnation()) + "/turns/" + turn,
                Map.of(
                        "task_token",
                        Base64.getEncoder().encodeToString(taskToken),
                        "again",
                        again,
                        "transition",
                        body(running)),
                DEADLINE);
        return switch (body.path("state").asString()) {
            case "given" -> new Given.Accepted();
            case "over" -> {
                JsonNode outcome = body.path("outcome");
                yield new Given.Over(new TurnOutcome(
                        TurnStatus.of(outcome.path("status").asString()),
                        outcome.path("reason").asString(null)));
            }
            case "lost" -> new Given.Lost(body.path("reason").asString());
            default -> throw unexpected("give_turn");
        };
    }

    public void cancelTurn(SessionId session, TurnId turn) {
        post("cancel_turn", "sessions/" + session + "/turns/" + turn + "/cancel", Map.of(), DEADLINE);
    }

    public void endTurn(SessionId session, TurnId turn, TurnStatus status, Reason reason) {
        post(
                "end_turn",
                "sessions/" + session + "/turns/" + turn + "/end",
                Map.of("status", status.code(), "reason", reason),
                DEADLINE);
    }

    public boolean flush(SessionId session, int incarnation, Duration patience) {
        JsonNode body =
                post("flush", incarnation(session, incarnation) + "/flush", waiting(patience), patience.plus(SLACK));
        return body.path("flushed").asBoolean();
    }

    public void freeze(SessionId session, int incarnation) {
        post("freeze", incarnation(session, incarnation) + "/freeze", Map.of(), DEADLINE);
    }

    public void close(SessionId session, int incarnation) {
        post("close", incarnation(session, incarnation) + "/close", Map.of(), DEADLINE);
    }

    /** Appends what a sandbox's console said last to its session's log. */
    public void console(SessionId session, int incarnation, String lastWords) {
        post("console", incarnation(session, incarnation) + "/console", Map.of("text", lastWords), DEADLINE);
    }

    public void report(Transition transition) {
        post("report", session(transition) + "/transitions", body(transition), DEADLINE);
    }

    /** The same for a VM that was just made, with how. */
    public void report(Transition transition, Provisioned made) {
        Map<String, @Nullable Object> body = body(transition);
        body.put("start", made.start());
        body.put("start_reason", made.why());
        post("report", session(transition) + "/transitions", body, DEADLINE);
    }

    /**
     * A session that goes on.
     *
     * @param born whether its workflow has acted already, so that Temporal must have heard of it
     */
    public record Unended(String session, boolean born) {}

    /** Sessions that go on and whose record has not changed for so long; by id, after {@code after}. */
    public List<Unended> unended(Duration quietFor, String after, int limit) {
        JsonNode body = post(
                "unended",
                "sessions/unended",
                Map.of("quiet_seconds", quietFor.toSeconds(), "after", after, "limit", limit),
                DEADLINE);
        Set<String> born = new HashSet<>();
        body.path("born").forEach(session -> born.add(session.asString()));
        List<Unended> sessions = new ArrayList<>();
        body.path("sessions")
                .forEach(session -> sessions.add(new Unended(session.asString(), born.contains(session.asString()))));
        return sessions;
    }

    public void raiseBudget(SessionId session, Money cap) {
        post("raise_budget", "sessions/" + session + "/budget", Map.of("cap_nano_usd", cap.nanoUsd()), DEADLINE);
    }

    public void stop(Transition terminating, TurnStatus turns, Reason reason) {
        post(
                "stop",
                session(terminating) + "/stop",
                Map.of("transition", body(terminating), "turns", turns.code(), "reason", reason),
                DEADLINE);
    }

    public void settle(Transition ended) {
        post("settle", session(ended) + "/settle", Map.of("transition", body(ended)), DEADLINE);
    }

    private static Map<String, @Nullable Object> body(Transition transition) {
        Map<String, @Nullable Object> body = new HashMap<>();
        body.put("number", transition.number());
        body.put("status", transition.status().code());
        body.put("reason", transition.reason());
        body.put("incarnation", transition.incarnation());
        body.put("box", transition.box());
        body.put("took_millis", transition.tookMillis());
        return body;
    }

    private static String session(Transition transition) {
        return "sessions/" + transition.session();
    }

    private static String incarnation(SessionId session, int incarnation) {
        return "sessions/" + session + "/incarnations/" + incarnation;
    }

    private static Map<String, Object> waiting(Duration patience) {
        return Map.of("wait_seconds", patience.toSeconds());
    }

    private JsonNode post(String operation, String path, Object body, Duration deadline) {
        Answer answer;
        try {
            answer = http.call(operation, "POST", path, body, deadline);
        } catch (IOException e) {
            throw ApplicationFailure.newFailure(
                    "The control plane does not answer " + operation + ": " + e.getMessage(), "control_plane_away");
        }
        JsonNode json = answer.body();
        if (answer.successful()) {
            return json == null ? MissingNode.getInstance() : json;
        }
        String code = json == null ? "" : json.path("code").asString("");
        String refusal = refusal(answer.status(), code);
        if (refusal != null) {
            throw ApplicationFailure.newNonRetryableFailure(
                    "The control plane refused " + operation + ": " + code, refusal);
        }
        throw ApplicationFailure.newFailure(
                "The control plane answered " + operation + " with HTTP " + answer.status() + " " + code,
                "control_plane_error");
    }

    /** What asking again cannot change; a 404 that is not the control plane's own may be a proxy's. */
    private static @Nullable String refusal(int status, String code) {
        return switch (status) {
            case 409 -> FailureTypes.SUPERSEDED;
            case 410 -> FailureTypes.SESSION_ENDED;
            case 404 -> code.equals("not_found") ? FailureTypes.NOT_FOUND : null;
            default -> null;
        };
    }

    private static IllegalStateException unexpected(String operation) {
        return new IllegalStateException(
                "The control plane answered " + operation + " with a state that this version does not know.");
    }
}
