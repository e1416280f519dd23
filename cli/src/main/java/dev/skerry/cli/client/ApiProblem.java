package dev.skerry.cli.client;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The API said no, and why. */
public final class ApiProblem extends Failure {
    private static final Map<String, String> ADVICE = Map.of(
            "unauthorized",
                    "Set SKERRY_API_KEY to a key of this server; `skerry up` keeps its own in $SKERRY_HOME/api-key.",
            "not_found", "`skerry session list` shows the sessions that there are.",
            "session_ended", "Start a new session with `skerry session create` or `skerry run`.",
            "too_large", "Put long material into files, or into several messages.",
            "rate_limited", "Wait a little and try again.",
            "unavailable", "Wait a little and try again; `skerry doctor` says what is away.");
    private static final Map<String, String> ADVICE_FOR_OPERATORS = Map.of(
            "unauthorized", "Set SKERRY_OPERATOR_TOKEN to that control plane's skerry.control-plane.operator.token.",
            "not_found", "Correct the name or the id and run it again.");
    private static final Set<String> PASSING = Set.of("unavailable", "in_flight");
    private static final Pattern SECONDS = Pattern.compile("[0-9]");
    private static final int SERVER_ERRORS = 500;
    private static final int TOO_MANY = 429;
    private static final int PAYMENT_REQUIRED = 402;

    private final int status;
    private final String code;
    private final Duration retryAfter;

    ApiProblem(
            boolean operator, int status, String code, String detail, String requestId, @Nullable String retryAfter) {
        super(exitCode(status, code), detail, advice(operator, status, code, requestId));
        this.status = status;
        this.code = code;
        this.retryAfter = retryAfter != null && SECONDS.matcher(retryAfter).matches()
                ? Duration.ofSeconds(Integer.parseInt(retryAfter))
                : Duration.ofSeconds(1);
    }

    /** Whether the same request may succeed in a moment. */
    boolean mayPass() {
        return PASSING.contains(code);
    }

    /** What the server asks to wait, when that is less than ten seconds; a second when it asks for nothing or more. */
    Duration retryAfter() {
        return retryAfter;
    }

    /** HTTP status. */
    public int status() {
        return status;
    }

    /** Stable code of the problem. */
    public String code() {
        return code;
    }

    private static ExitCode exitCode(int status, String code) {
        if (status == TOO_MANY || status == PAYMENT_REQUIRED || code.startsWith("budget")) {
            return ExitCode.LIMIT;
        }
        return status >= SERVER_ERRORS ? ExitCode.NO_STACK : ExitCode.REFUSED;
    }

    private static String advice(boolean operator, int status, String code, String requestId) {
        String known = operator ? ADVICE_FOR_OPERATORS.get(code) : ADVICE.get(code);
        if (known != null) {
            return known;
        }
        String asked = requestId.isEmpty() ? "" : " (request " + requestId + ")";
        return status >= SERVER_ERRORS
                ? "Look at the server's log" + asked + "."
                : "Correct the command and run it again" + asked + ".";
    }
}
