package dev.skerry.controlplane.lifecycle;

import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Money;
import dev.skerry.session.Reason;
import dev.skerry.session.Status;
import dev.skerry.store.Ledger;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Projects a workflow's state changes onto its session's row and log, each once, and closes its books. */
@RestController
@RequestMapping("/internal/v1/sessions/{session}")
class TransitionController {
    private static final Set<String> AWAKE = Set.of("running", "idle", "suspended");

    private final Sessions sessions;
    private final Ledger ledger;
    private final SessionLog sessionLog;
    private final TransactionTemplate transactions;

    TransitionController(Sessions sessions, Ledger ledger, SessionLog sessionLog, TransactionTemplate transactions) {
        this.sessions = sessions;
        this.ledger = ledger;
        this.sessionLog = sessionLog;
        this.transactions = transactions;
    }

    record Box(
            @Nullable String name,
            @Nullable String metro,
            @Nullable String provider) {}

    record Transition(
            int number,
            @Nullable Status status,
            @Nullable Reason reason,
            int incarnation,
            @Nullable Box box,
            @Nullable Long tookMillis) {
        @Nullable
        String code() {
            return reason == null ? null : reason.code();
        }

        @Nullable
        String message() {
            return reason == null ? null : reason.message();
        }

        @Nullable
        String metro() {
            return box == null ? null : box.metro();
        }

        @Nullable
        String name() {
            return box == null ? null : box.name();
        }

        @Nullable
        String provider() {
            return box == null ? null : box.provider();
        }
    }

    @PostMapping("/transitions")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void transition(@PathVariable String session, @RequestBody Transition transition) {
        Status status = transition.status();
        if (status == null || transition.number() < 1) {
            throw RefusedException.invalid("A transition needs a number that counts up from 1, and a status.");
        }
        transactions.executeWithoutResult(ignored -> project(session, transition, status));
    }

    @PostMapping("/settle")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void settle(@PathVariable String session) {
        ledger.unsettled(session).forEach(ledger::abandon);
    }

    private void project(String session, Transition transition, Status status) {
        SessionRow before = sessions.find(session).orElseThrow(IncarnationController::unknown);
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

    private void log(String session, String before, Transition transition, Status status) {
        String code = transition.code();
        Long took = transition.tookMillis();
        switch (status) {
            case PROVISIONING -> {
                if (AWAKE.contains(before)
                        && transition.incarnation() > 1
                        && code != null
                        && code.startsWith("sandbox_")) {
                    append(session, transition, "sandbox.lost", data("reason", code));
                }
                append(session, transition, "session.provisioning", data("metro", transition.metro()));
            }
            case HARDENING ->
                append(
                        session,
                        transition,
                        "session.hardening",
                        data("metro", transition.metro(), "name", transition.name(), "duration_ms", took));
            case IDLE, RUNNING -> {
                if (before.equals("resuming")) {
                    append(session, transition, "session.resumed", data("duration_ms", took));
                }
            }
            case SUSPENDED ->
                append(session, transition, "session.suspended", data("reason", code, "duration_ms", took));
            case RESUMING -> append(session, transition, "session.resuming", data());
            case TERMINATING -> append(session, transition, "session.terminating", data("reason", code));
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
