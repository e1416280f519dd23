package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.profile.Profiles;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Incarnations.IncarnationRow;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/** Exchanges a boot token, or the token of a frozen incarnation, for a session token: once, bound to the caller's nonce. */
@Component
class Greeting {
    private static final Logger log = LoggerFactory.getLogger(Greeting.class);
    private static final Set<String> HOST_PROCESSES = Set.of("plain", "bubblewrap");

    private final BootTokens bootTokens;
    private final SessionTokens sessionTokens;
    private final Callers callers;
    private final Incarnations incarnations;
    private final Sessions sessions;
    private final Profiles profiles;
    private final SessionLog sessionLog;
    private final TransactionTemplate transactions;
    private final StoredJson json;
    private final Clock clock;
    private final ControlPlaneSettings settings;

    Greeting(
            BootTokens bootTokens,
            SessionTokens sessionTokens,
            Callers callers,
            Incarnations incarnations,
            Sessions sessions,
            Profiles profiles,
            SessionLog sessionLog,
            TransactionTemplate transactions,
            StoredJson json,
            Clock clock,
            ControlPlaneSettings settings) {
        this.bootTokens = bootTokens;
        this.sessionTokens = sessionTokens;
        this.callers = callers;
        this.incarnations = incarnations;
        this.sessions = sessions;
        this.profiles = profiles;
        this.sessionLog = sessionLog;
        this.transactions = transactions;
        this.json = json;
        this.clock = clock;
        this.settings = settings;
    }

    Welcome greet(String bearer, Report report) {
        IncarnationRow row = incarnationOf(bearer);
        if (row.stopped()) {
            throw callers.refused(row);
        }
        return switch (row.state()) {
            case "open" -> accept(row, report);
            case "live" -> again(row, report);
            case "frozen" -> throw RefusedException.of(row.sessionId(), row.number(), new Refusal.TokenSpent());
            default -> throw callers.refused(row);
        };
    }

    private IncarnationRow incarnationOf(String bearer) {
        Optional<BootTokens.Boot> boot = bootTokens.read(bearer);
        if (boot.isPresent()) {
            return incarnations
                    .find(boot.get().session(), boot.get().incarnation())
                    .filter(row -> row.resumes() == null)
                    .orElseThrow(() -> new RefusedException(Callers.unknown()));
        }
        IncarnationRow last = incarnations
                .findByToken(SessionTokens.sha256(bearer))
                .orElseThrow(() -> new RefusedException(Callers.unknown()));
        if (last.state().equals("closed")) {
            throw callers.refused(last);
        }
        return incarnations
                .resumerOf(last.sessionId(), last.number())
                .orElseThrow(() -> new RefusedException(notResumed(last)));
    }

    /** A sandbox that is being frozen may ask before it stops: it is told to wait, since its resume will find it still asking. */
    private static Refusal notResumed(IncarnationRow last) {
        return last.state().equals("frozen")
                ? new Refusal.Unavailable("This session is suspended. Ask again when it is resumed.", 1)
                : new Refusal.Unauthorized(
                        "No resume of this session is under way, so this token cannot be exchanged.");
    }

    private Welcome accept(IncarnationRow row, Report report) {
        if (sessions.find(row.sessionId()).map(SessionRow::ending).orElse(true)) {
            throw RefusedException.of(row.sessionId(), row.number(), new Refusal.SessionEnded());
        }
        Optional<String> objection = objection(report);
        if (objection.isPresent()) {
            refuse(row, report, objection.get());
            throw RefusedException.of(row.sessionId(), row.number(), new Refusal.ProbeFailed(objection.get()));
        }
        String token = sessionTokens.derive(row.sessionId(), row.number(), report.nonce());
        if (!Boolean.TRUE.equals(transactions.execute(ignored -> exchange(row, report, token)))) {
            return again(
                    incarnations
                            .find(row.sessionId(), row.number())
                            .orElseThrow(() -> new RefusedException(Callers.unknown())),
                    report);
        }
        log.info("session {} incarnation {} said hello as {}", row.sessionId(), row.number(), report.driver());
        incarnations.wake(row.sessionId());
        return welcome(row, token);
    }

    private boolean exchange(IncarnationRow row, Report report, String token) {
        boolean exchanged = incarnations.exchange(
                row.sessionId(),
                row.number(),
                report.nonce(),
                SessionTokens.sha256(token),
                settings.lease(),
                report.driver(),
                report.runtimeVersion(),
                json.of(report.probes()));
        if (!exchanged) {
            return false;
        }
        sessions.setDriver(row.sessionId(), report.driver());
        appendFailedProbes(row, report);
        sessions.awake(row.sessionId());
        Map<String, Object> took = Map.of(
                "duration_ms", Duration.between(row.openedAt(), clock.instant()).toMillis());
        if (row.resumes() == null) {
            Map<String, Object> data = new LinkedHashMap<>(took);
            data.put("driver", report.driver());
            data.put(
                    "probes",
                    Map.of(
                            "pass", report.count("pass"),
                            "fail", report.count("fail"),
                            "unsupported", report.count("unsupported")));
            sessionLog.append(row.sessionId(), "session.ready", null, row.number(), data);
        } else {
            sessionLog.append(row.sessionId(), "session.resumed", null, row.number(), took);
        }
        return true;
    }

    private Welcome again(IncarnationRow row, Report report) {
        if (!row.state().equals("live")) {
            throw callers.refused(row);
        }
        byte[] stored = row.tokenSha256();
        if (!report.nonce().equals(row.nonce()) || stored == null) {
            log.warn("session {} incarnation {}: a spent token was presented", row.sessionId(), row.number());
            throw RefusedException.of(row.sessionId(), row.number(), new Refusal.TokenSpent());
        }
        String token = sessionTokens
                .again(row.sessionId(), row.number(), report.nonce(), stored)
                .orElseThrow(() -> new RefusedException(new Refusal.TokenSpent()));
        return welcome(row, token);
    }

    private void refuse(IncarnationRow row, Report report, String objection) {
        transactions.executeWithoutResult(ignored -> {
            incarnations.refuse(row.sessionId(), row.number(), objection, json.of(report.probes()));
            appendFailedProbes(row, report);
        });
        log.warn("session {} incarnation {} was refused: {}", row.sessionId(), row.number(), objection);
        incarnations.wake(row.sessionId());
    }

    private void appendFailedProbes(IncarnationRow row, Report report) {
        report.probes().stream()
                .filter(probe -> probe.result().equals("fail"))
                .forEach(probe -> sessionLog.append(
                        row.sessionId(),
                        "sandbox.probe",
                        null,
                        row.number(),
                        Map.of("id", probe.id(), "result", probe.result(), "detail", probe.detail())));
    }

    private Optional<String> objection(Report report) {
        if (settings.production() && HOST_PROCESSES.contains(report.driver())) {
            return Optional.of(
                    "A control plane in production mode takes no sandbox that is only a process of its host.");
        }
        List<String> open = settings.requiredProbes().stream()
                .filter(required -> !report.stands(required))
                .sorted()
                .toList();
        return open.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "The sandbox failed or left out a probe that is required: " + String.join(", ", open) + ".");
    }

    private Welcome welcome(IncarnationRow row, String token) {
        return new Welcome(
                token, row.sessionId(), row.number(), settings.lease().toSeconds(), profiles.view(row.sessionId()));
    }
}
