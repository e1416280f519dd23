package dev.skerry.controlplane.lifecycle;

import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.http.Listeners;
import dev.skerry.controlplane.identity.BootTokens;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.profile.Profiles;
import dev.skerry.controlplane.turn.Wakeups;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Incarnations.IncarnationRow;
import dev.skerry.store.KillSwitches;
import dev.skerry.store.Sessions;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Opens, flushes, freezes and closes incarnations for the worker. */
@RestController
@RequestMapping("/internal/v1/sessions/{session}/incarnations")
class IncarnationController {
    private static final int LONGEST_WAIT_SECONDS = 120;
    private static final int LONGEST_CONSOLE = 4096;
    private static final Duration REREAD = Duration.ofSeconds(5);

    private final Incarnations incarnations;
    private final Sessions sessions;
    private final Profiles profiles;
    private final BootTokens bootTokens;
    private final Listeners listeners;
    private final Wakeups wakeups;
    private final SessionLog log;
    private final KillSwitches killSwitches;
    private final TransactionTemplate transactions;

    IncarnationController(
            Incarnations incarnations,
            Sessions sessions,
            Profiles profiles,
            BootTokens bootTokens,
            Listeners listeners,
            Wakeups wakeups,
            SessionLog log,
            KillSwitches killSwitches,
            TransactionTemplate transactions) {
        this.killSwitches = killSwitches;
        this.incarnations = incarnations;
        this.sessions = sessions;
        this.profiles = profiles;
        this.bootTokens = bootTokens;
        this.listeners = listeners;
        this.wakeups = wakeups;
        this.log = log;
        this.transactions = transactions;
    }

    record Open(int number, @Nullable Integer resumes) {}

    record Opened(@Nullable String bootToken, String controlPlaneUrl, String sessionId) {
        @Override
        public String toString() {
            return "Opened[session=" + sessionId + "]";
        }
    }

    record Flush(int waitSeconds) {}

    record Flushed(boolean flushed) {}

    record Console(@Nullable String text) {
        @Override
        public String toString() {
            return "Console[]";
        }
    }

    @PostMapping
    Opened open(@PathVariable String session, @RequestBody Open open) {
        if (open.number() < 1) {
            throw RefusedException.invalid("number counts up from 1.");
        }
        if (killSwitches.stops(session)) {
            throw new RefusedException(
                    new Refusal.Unavailable("An operator has stopped this session, its tenant or everything.", 10));
        }
        Optional<IncarnationRow> opened = transactions.execute(ignored -> {
            if (sessions.find(session)
                    .orElseThrow(IncarnationController::unknown)
                    .ending()) {
                throw new RefusedException(new Refusal.SessionEnded());
            }
            return incarnations.open(session, open.number(), open.resumes());
        });
        if (opened == null || opened.isEmpty()) {
            throw new RefusedException(new Refusal.Superseded());
        }
        profiles.of(session);
        incarnations.wake(session);
        return new Opened(
                open.resumes() == null ? bootTokens.issue(session, open.number()) : null,
                listeners.sandboxUrl(),
                session);
    }

    @PostMapping("/{number}/flush")
    Flushed flush(@PathVariable String session, @PathVariable int number, @RequestBody Flush flush)
            throws InterruptedException {
        long deadline = System.nanoTime()
                + Duration.ofSeconds(Math.clamp(flush.waitSeconds(), 0, LONGEST_WAIT_SECONDS))
                        .toNanos();
        try (Wakeups.Subscription news = wakeups.subscribe(session)) {
            incarnations.direct(session, number, "flush");
            while (true) {
                IncarnationRow row = incarnations.find(session, number).orElseThrow(IncarnationController::unknown);
                Duration left = Duration.ofNanos(deadline - System.nanoTime());
                if (!row.state().equals("live")
                        || row.flushedAt() != null
                        || !left.isPositive()
                        || wakeups.draining()) {
                    return new Flushed(row.flushedAt() != null);
                }
                news.await(left.compareTo(REREAD) < 0 ? left : REREAD);
            }
        }
    }

    @PostMapping("/{number}/freeze")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void freeze(@PathVariable String session, @PathVariable int number) {
        incarnations.freeze(session, number);
        incarnations.wake(session);
    }

    /** What the sandbox's console said last, as its provider tells; a sandbox that never spoke has nobody else to tell it. */
    @PostMapping("/{number}/console")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void console(@PathVariable String session, @PathVariable int number, @RequestBody Console console) {
        String text = console.text();
        if (text == null || text.isBlank()) {
            throw RefusedException.invalid("text must hold what the console said.");
        }
        if (incarnations.find(session, number).isEmpty()) {
            throw unknown();
        }
        String end = text.substring(Math.max(0, text.length() - LONGEST_CONSOLE));
        transactions.executeWithoutResult(
                ignored -> log.append(session, "sandbox.console", null, number, Map.of("text", end)));
    }

    @PostMapping("/{number}/close")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void close(@PathVariable String session, @PathVariable int number) {
        incarnations.closeUpTo(session, number);
    }

    static RefusedException unknown() {
        return new RefusedException(new Refusal.NotFound("There is no such session or incarnation."));
    }
}
