package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Incarnations.IncarnationRow;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Decides whether a session token counts, and renews its lease. */
@Component
public class Callers {
    private static final Duration RENEWAL = Duration.ofSeconds(3);

    private final Incarnations incarnations;
    private final Sessions sessions;
    private final Clock clock;
    private final Duration lease;
    private final RecentCallers recent = new RecentCallers(RENEWAL);

    Callers(Incarnations incarnations, Sessions sessions, Clock clock, ControlPlaneSettings settings) {
        this.incarnations = incarnations;
        this.sessions = sessions;
        this.clock = clock;
        this.lease = settings.lease();
    }

    /** Throws {@link RefusedException} unless the token belongs to the incarnation that speaks for its session. */
    Caller authenticate(String sessionToken) {
        IncarnationRow row = incarnations
                .findByToken(SessionTokens.sha256(sessionToken))
                .orElseThrow(() -> new RefusedException(unknown()));
        return admit(row);
    }

    /**
     * Whose token this is, by what the store said at most three seconds ago. Only for what asks the store again before it has any effect, as
     * {@link dev.skerry.store.Ledger#reserveInTurn} does: a token may have been revoked since.
     */
    Caller recognise(String sessionToken) {
        return recent.find(sessionToken, this::authenticate);
    }

    /** Throws {@link RefusedException} when the caller's token has stopped to count since it was admitted. */
    public IncarnationRow recheck(Caller caller) {
        IncarnationRow row = incarnations
                .find(caller.session(), caller.incarnation())
                .orElseThrow(() -> new RefusedException(unknown()));
        admit(row);
        return row;
    }

    /** Like {@link #recheck}, for a proof that is not the token and renews nothing. */
    public void demandLive(Caller caller) {
        IncarnationRow row = incarnations
                .find(caller.session(), caller.incarnation())
                .orElseThrow(() -> new RefusedException(unknown()));
        if (row.stopped() || !row.state().equals("live")) {
            throw refused(row);
        }
    }

    /** Whose token this is, whether or not it counts. */
    public Optional<Caller> holder(String sessionToken) {
        return incarnations
                .findByToken(SessionTokens.sha256(sessionToken))
                .map(row -> new Caller(row.sessionId(), row.number()));
    }

    /** Why an incarnation does not speak for its session, as an exception that knows whose token was presented. */
    RefusedException refused(IncarnationRow row) {
        return RefusedException.of(row.sessionId(), row.number(), refusal(row));
    }

    private Caller admit(IncarnationRow row) {
        if (row.stopped() || !row.state().equals("live")) {
            throw refused(row);
        }
        if (due(row.leaseUntil()) && !incarnations.renewLease(row.sessionId(), row.number(), lease)) {
            throw incarnations
                    .find(row.sessionId(), row.number())
                    .map(this::refused)
                    .orElseGet(() -> new RefusedException(unknown()));
        }
        return new Caller(row.sessionId(), row.number());
    }

    private boolean due(@Nullable Instant leaseUntil) {
        return leaseUntil == null
                || Duration.between(clock.instant(), leaseUntil)
                        .minus(lease.minus(RENEWAL))
                        .isNegative()
                || leaseUntil.isAfter(clock.instant().plus(lease).plus(RENEWAL));
    }

    private Refusal refusal(IncarnationRow row) {
        if (row.stopped()
                || sessions.find(row.sessionId()).map(SessionRow::ending).orElse(true)) {
            return new Refusal.SessionEnded();
        }
        return switch (row.state()) {
            case "live", "frozen" -> new Refusal.LeaseExpired();
            case "closed" ->
                row.refusal() != null
                        ? new Refusal.ProbeFailed(row.refusal())
                        : incarnations.newest(row.sessionId()) > row.number() ? new Refusal.Fenced() : unknown();
            default -> unknown();
        };
    }

    static Refusal unknown() {
        return new Refusal.Unauthorized("Present the session token that hello returned as the bearer token.");
    }
}
