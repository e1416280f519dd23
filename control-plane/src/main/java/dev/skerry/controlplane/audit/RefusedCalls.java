package dev.skerry.controlplane.audit;

import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Problem;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedCall;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerMapping;

/** Records what a sandbox tried and was refused: in its session's log, once a minute for each kind, and as a metric always. */
@Component
class RefusedCalls {
    private static final Logger log = LoggerFactory.getLogger(RefusedCalls.class);
    private static final long AGAIN = Duration.ofMinutes(1).toNanos();
    private static final int MOST_REMEMBERED = 10_000;

    private final SessionLog sessionLog;
    private final MeterRegistry meters;
    private final Map<Kind, Long> recorded = new ConcurrentHashMap<>();

    RefusedCalls(SessionLog sessionLog, MeterRegistry meters) {
        this.sessionLog = sessionLog;
        this.meters = meters;
    }

    private record Kind(String session, @Nullable Integer incarnation, String code, String call) {}

    @EventListener
    void refused(RefusedCall refused) {
        Problem problem = Problem.of(refused.refused().refusal(), null);
        meters.counter("skerry.calls.refused", "code", problem.code()).increment();
        if (!telling(refused.refused().refusal())) {
            return;
        }
        String call = refused.request().getMethod() + " " + pattern(refused);
        if (refused.refused().session() != null) {
            record(
                    new Kind(refused.refused().session(), refused.refused().incarnation(), problem.code(), call),
                    problem);
        } else if (refused.request().getAttribute(Caller.class.getName())
                instanceof Caller(String session, int number)) {
            record(new Kind(session, number, problem.code(), call), problem);
        }
    }

    private void record(Kind kind, Problem problem) {
        long now = System.nanoTime();
        Long before = recorded.put(kind, now);
        if (before != null && now - before < AGAIN) {
            return;
        }
        if (recorded.size() > MOST_REMEMBERED) {
            recorded.values().removeIf(then -> now - then > AGAIN);
        }
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("code", problem.code());
        data.put("status", problem.status());
        data.put("call", kind.call());
        data.put("detail", problem.detail());
        try {
            sessionLog.append(kind.session(), "policy.denied", null, kind.incarnation(), data);
        } catch (RuntimeException e) {
            log.warn("session {}: a refusal ({}) was not recorded: {}", kind.session(), problem.code(), e.toString());
        }
    }

    private static Object pattern(RefusedCall refused) {
        Object pattern = refused.request().getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
        return pattern == null ? "" : pattern;
    }

    /** Whether a refusal says that somebody tried what is not theirs, rather than that something is over, full or away. */
    private static boolean telling(Refusal refusal) {
        return switch (refusal) {
            case Refusal.Invalid _,
                    Refusal.TooLarge _,
                    Refusal.NotFound _,
                    Refusal.TokenSpent _,
                    Refusal.Denied _,
                    Refusal.Fenced _,
                    Refusal.Conflict _,
                    Refusal.Malformed _ -> true;
            case Refusal.WrongMethod _,
                    Refusal.TooSlow _,
                    Refusal.OutcomeUnknown _,
                    Refusal.HttpFailed _,
                    Refusal.Unauthorized _,
                    Refusal.LeaseExpired _,
                    Refusal.BudgetExceeded _,
                    Refusal.ProbeFailed _,
                    Refusal.Superseded _,
                    Refusal.TurnOver _,
                    Refusal.SessionEnded _,
                    Refusal.Throttled _,
                    Refusal.Unavailable _,
                    Refusal.ModelFailed _,
                    Refusal.Broken _ -> false;
        };
    }
}
