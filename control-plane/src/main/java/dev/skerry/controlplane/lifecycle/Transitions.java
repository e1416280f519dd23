package dev.skerry.controlplane.lifecycle;

import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Money;
import dev.skerry.session.Reason;
import dev.skerry.session.Status;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Ledger;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Projects a workflow's state changes onto its session's row and log, each once. */
@Component
class Transitions {
    private static final Set<String> AWAKE = Set.of("running", "idle", "suspended");

    private final Sessions sessions;
    private final Incarnations incarnations;
    private final Ledger ledger;
    private final SessionLog sessionLog;
    private final Counter lost;

    Transitions(
            Sessions sessions, Incarnations incarnations, Ledger ledger, SessionLog sessionLog, MeterRegistry meters) {
        this.sessions = sessions;
        this.incarnations = incarnations;
        this.ledger = ledger;
        this.sessionLog = sessionLog;
        this.lost = Counter.builder("skerry.sandboxes.lost")
                .description("Sandboxes that had said hello and went away without having been told to.")
                .register(meters);
    }

    /**
     * Run it in a transaction. What is late, or was projected before, has no effect. A session that is over does not come back: its
     * workflow, which somebody may have reset, is told so.
     */
    void project(String session, @Nullable Transition transition) {
        Status status = transition == null ? null : transition.status();
        if (transition == null || status == null || transition.number() < 1) {
            throw RefusedException.invalid("A transition needs a number that counts up from 1, and a status.");
        }
        if (status == Status.HARDENING && saidHello(session, transition.incarnation())) {
            return;
        }
        SessionRow before = sessions.find(session).orElseThrow(IncarnationController::unknown);
        if (before.ended() && !status.ending()) {
            throw new RefusedException(new Refusal.SessionEnded());
        }
        boolean projected = sessions.project(
                session,
                transition.number(),
                status.code(),
                transition.code(),
                transition.message(),
                transition.incarnation() == 0 ? null : transition.incarnation(),
                transition.provider(),
                transition.metro());
        if (projected) {
            log(session, before.status(), transition, status);
        }
    }

    private boolean saidHello(String session, int incarnation) {
        return incarnations
                .find(session, incarnation)
                .map(row -> row.helloAt() != null)
                .orElse(false);
    }

    private void log(String session, String before, Transition transition, Status status) {
        String code = transition.code();
        Long took = transition.tookMillis();
        switch (status) {
            case PROVISIONING -> {
                if (AWAKE.contains(before)
                        && transition.incarnation() > 1
                        && code != null
                        && code.startsWith("sandbox_")) {
                    lost(session, transition);
                }
                append(session, transition, "session.provisioning", data("metro", transition.metro()));
            }
            case HARDENING ->
                append(
                        session,
                        transition,
                        "session.hardening",
                        data(
                                "metro",
                                transition.metro(),
                                "name",
                                transition.name(),
                                "duration_ms",
                                took,
                                "start",
                                transition.start(),
                                "start_reason",
                                transition.startReason()));
            case IDLE, RUNNING -> {}
            case SUSPENDED -> {
                if (Reason.SANDBOX_DIED.equals(code)) {
                    lost(session, transition);
                }
                append(session, transition, "session.suspended", data("reason", code, "duration_ms", took));
            }
            case RESUMING -> append(session, transition, "session.resuming", data());
            case TERMINATING -> {
                if (!before.equals(status.code())) {
                    append(session, transition, "session.terminating", data("reason", code));
                }
            }
            case TERMINATED ->
                append(
                        session,
                        transition,
                        "session.terminated",
                        data(
                                "reason",
                                code,
                                "duration_ms",
                                took,
                                "cost_usd",
                                new Money(ledger.balance(session).spentNanoUsd()).usd()));
            case FAILED ->
                append(session, transition, "session.failed", data("code", code, "message", transition.message()));
        }
    }

    private void lost(String session, Transition transition) {
        append(session, transition, "sandbox.lost", data("reason", transition.code(), "message", transition.message()));
        lost.increment();
    }

    private void append(String session, Transition transition, String type, Map<String, @Nullable Object> data) {
        sessionLog.append(session, type, null, transition.incarnation() == 0 ? null : transition.incarnation(), data);
    }

    private static Map<String, @Nullable Object> data(@Nullable Object... namesAndValues) {
        Map<String, @Nullable Object> data = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            data.put(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]);
        }
        return data;
    }
}
