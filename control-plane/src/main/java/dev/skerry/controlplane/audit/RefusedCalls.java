package dev.skerry.controlplane.audit;

import dev.skerry.controlplane.audit.Refusals.Attempt;
import dev.skerry.controlplane.http.Bearer;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.identity.Callers;
import dev.skerry.controlplane.problem.Problem;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedCall;
import dev.skerry.controlplane.problem.UnreadableRequest;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.EventListener;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerMapping;

/** Hears of every refused call, counts it, finds out whose it was, and has recorded what says that somebody tried something. */
@Component
class RefusedCalls {
    private static final Logger log = LoggerFactory.getLogger(RefusedCalls.class);
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
    private static final int LONGEST_PATH = 200;

    private final Refusals refusals;
    private final Callers callers;
    private final MeterRegistry meters;

    RefusedCalls(Refusals refusals, Callers callers, MeterRegistry meters) {
        this.refusals = refusals;
        this.callers = callers;
        this.meters = meters;
    }

    /** How far a refusal is recorded: in its session's log and the audit log, in the audit log, or by the metric alone. */
    private enum Trace {
        EVENT,
        ENTRY,
        NONE
    }

    @EventListener
    void refused(RefusedCall refused) {
        Refusal refusal = refused.refused().refusal();
        Problem problem = Problem.of(refusal, null);
        count(problem.code());
        Trace trace = trace(refusal);
        String pattern = pattern(refused.request());
        if (trace == Trace.NONE || (pattern != null && pattern.startsWith("/internal/"))) {
            return;
        }
        String method = METHODS.contains(refused.request().getMethod())
                ? refused.request().getMethod()
                : "(unknown method)";
        refusals.add(
                new Attempt(
                        caller(refused, pattern).orElse(null),
                        method + " " + (pattern == null ? "(unserved)" : pattern),
                        pattern == null ? path(refused.request()) : null,
                        trace == Trace.EVENT),
                problem);
    }

    @EventListener
    void unreadable(UnreadableRequest request) {
        count("unreadable");
        refusals.add(
                new Attempt(null, "(unreadable)", null, false),
                new Problem(
                        "about:blank",
                        "Unreadable",
                        request.status(),
                        "A request was no proper HTTP; its connection was closed.",
                        "unreadable",
                        null,
                        null,
                        null));
    }

    private void count(String code) {
        Counter.builder("skerry.calls.refused")
                .description("Calls that were refused, by the code of the refusal.")
                .tag("code", code)
                .register(meters)
                .increment();
    }

    /** A call that reached no handler was not authenticated: whose token it carried is looked up. */
    private Optional<Caller> caller(RefusedCall refused, @Nullable String pattern) {
        String session = refused.refused().session();
        Integer incarnation = refused.refused().incarnation();
        if (session != null && incarnation != null) {
            return Optional.of(new Caller(session, incarnation));
        }
        if (refused.request().getAttribute(Caller.class.getName()) instanceof Caller caller) {
            return Optional.of(caller);
        }
        try {
            return pattern == null
                    ? Bearer.of(refused.request().getHeader(HttpHeaders.AUTHORIZATION))
                            .flatMap(callers::holder)
                    : Optional.empty();
        } catch (RuntimeException e) {
            log.warn("whose call was refused could not be looked up: {}", e.toString());
            return Optional.empty();
        }
    }

    private static @Nullable String pattern(HttpServletRequest request) {
        Object pattern = request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
        return pattern == null ? null : pattern.toString();
    }

    /** What is too long for a name is left out: it may be a token that was put into the wrong place. */
    private static String path(HttpServletRequest request) {
        String path = request.getRequestURI().replaceAll("[^ -~]", "?").replaceAll("[^/]{33,}", "*");
        return path.length() > LONGEST_PATH ? path.substring(0, LONGEST_PATH) : path;
    }

    private static Trace trace(Refusal refusal) {
        return switch (refusal) {
            case Refusal.Invalid _,
                    Refusal.TooLarge _,
                    Refusal.NotFound _,
                    Refusal.TokenSpent _,
                    Refusal.Denied _,
                    Refusal.Fenced _,
                    Refusal.Conflict _,
                    Refusal.Malformed _ -> Trace.EVENT;
            case Refusal.WrongMethod _,
                    Refusal.TooSlow _,
                    Refusal.Unauthorized _,
                    Refusal.LeaseExpired _,
                    Refusal.BudgetExceeded _,
                    Refusal.ProbeFailed _,
                    Refusal.TurnOver _,
                    Refusal.SessionEnded _,
                    Refusal.Throttled _ -> Trace.ENTRY;
            case Refusal.OutcomeUnknown _,
                    Refusal.HttpFailed _,
                    Refusal.Superseded _,
                    Refusal.Unavailable _,
                    Refusal.ModelFailed _,
                    Refusal.Broken _ -> Trace.NONE;
        };
    }
}
