package dev.skerry.controlplane.audit;

import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.event.StoredText;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Problem;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/**
 * Writes down what was refused, so that whoever is refused cannot fill the log with it: of each kind the first in a minute, and after
 * that minute how many followed. A session has a bounded number of kinds at a time; what goes beyond is counted by its code alone.
 */
@Component
class Refusals {
    static final String EVENT = "policy.denied";
    static final String ENTRY = "call.refused";

    private static final Logger log = LoggerFactory.getLogger(Refusals.class);
    private static final long WINDOW = Duration.ofMinutes(1).toNanos();
    private static final int MOST_KINDS = 32;
    private static final int LONGEST_DETAIL = 500;
    private static final String ANY_CALL = "(others)";

    private final SessionLog sessionLog;
    private final AuditTrail audit;
    private final LongSupplier nanos;
    private final Map<Optional<String>, Map<Kind, Tally>> tallies = new ConcurrentHashMap<>();

    @Autowired
    Refusals(SessionLog sessionLog, AuditTrail audit) {
        this(sessionLog, audit, System::nanoTime);
    }

    Refusals(SessionLog sessionLog, AuditTrail audit, LongSupplier nanos) {
        this.sessionLog = sessionLog;
        this.audit = audit;
        this.nanos = nanos;
    }

    /** What was tried; {@code caller} is null where nobody knows who it was, {@code path} where the call says it. */
    record Attempt(
            @Nullable Caller caller, String call, @Nullable String path, boolean telling) {}

    private record Kind(@Nullable Caller caller, String code, int status, String call) {
        Kind ofAnyCall() {
            return new Kind(caller, code, status, ANY_CALL);
        }
    }

    private record Tally(long since, long more) {}

    void add(Attempt attempt, Problem problem) {
        Kind kind = new Kind(attempt.caller(), problem.code(), problem.status(), attempt.call());
        first(kind)
                .ifPresent(counted -> write(
                        counted,
                        data -> {
                            if (attempt.path() != null) {
                                data.put("path", attempt.path());
                            }
                            data.put("detail", StoredText.of(problem.detail(), LONGEST_DETAIL));
                        },
                        attempt.telling()));
    }

    /** As what to write it down, if it is the first of its kind for a minute. */
    private Optional<Kind> first(Kind kind) {
        List<Kind> fresh = new ArrayList<>(1);
        tallies.compute(chain(kind), (ignored, before) -> {
            Map<Kind, Tally> kinds = before == null ? new HashMap<>() : before;
            Kind counted = kinds.size() < MOST_KINDS || kinds.containsKey(kind) ? kind : kind.ofAnyCall();
            Tally tally = kinds.get(counted);
            if (tally == null) {
                fresh.add(counted);
            }
            kinds.put(
                    counted,
                    tally == null ? new Tally(nanos.getAsLong(), 0) : new Tally(tally.since(), tally.more() + 1));
            return kinds;
        });
        return fresh.stream().findFirst();
    }

    private static Optional<String> chain(Kind kind) {
        return Optional.ofNullable(kind.caller()).map(Caller::session);
    }

    @Scheduled(fixedDelay = 5, timeUnit = TimeUnit.SECONDS)
    void count() {
        countSince(nanos.getAsLong() - WINDOW);
    }

    @PreDestroy
    void countAtLast() {
        countSince(nanos.getAsLong());
    }

    private void countSince(long latest) {
        Map<Kind, Tally> over = new LinkedHashMap<>();
        tallies.keySet()
                .forEach(chain -> tallies.computeIfPresent(chain, (ignored, kinds) -> {
                    kinds.entrySet().removeIf(kind -> {
                        boolean due = kind.getValue().since() - latest <= 0;
                        if (due && kind.getValue().more() > 0) {
                            over.put(kind.getKey(), kind.getValue());
                        }
                        return due;
                    });
                    return kinds.isEmpty() ? null : kinds;
                }));
        for (Map.Entry<Kind, Tally> counted : over.entrySet()) {
            if (!write(
                    counted.getKey(),
                    data -> data.put("repeated", counted.getValue().more()),
                    false)) {
                return;
            }
        }
    }

    /** Answers false when the store did not take it: it will not take the next one either, and nobody is to wait for each. */
    private boolean write(Kind kind, Details details, boolean telling) {
        Map<String, @Nullable Object> data = new LinkedHashMap<>();
        data.put("code", kind.code());
        data.put("status", kind.status());
        data.put("call", kind.call());
        details.addTo(data);
        try {
            Caller caller = kind.caller();
            if (caller == null) {
                audit.platform(ENTRY, data);
            } else if (telling) {
                sessionLog.append(caller.session(), EVENT, null, caller.incarnation(), data);
            } else {
                data.put("incarnation", caller.incarnation());
                audit.session(caller.session(), ENTRY, data);
            }
            return true;
        } catch (RuntimeException e) {
            log.warn("a refusal ({} of {}) was not recorded: {}", kind.code(), kind.call(), e.toString());
            return false;
        }
    }

    private interface Details {
        void addTo(Map<String, @Nullable Object> data);
    }
}
