package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneSettings.Limits;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.turn.TurnTraces;
import dev.skerry.store.HttpRequests;
import dev.skerry.store.HttpRequests.Claim;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import io.micrometer.core.instrument.MeterRegistry;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/** Makes brokered requests: each once for its key, recorded whatever becomes of it. */
@Component
class Brokering {
    private static final Logger log = LoggerFactory.getLogger(Brokering.class);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration GRACE = Duration.ofSeconds(30);

    private final Sender sender;
    private final HttpRequests requests;
    private final Sessions sessions;
    private final Turns turns;
    private final TurnTraces traces;
    private final SessionLog sessionLog;
    private final TransactionTemplate transactions;
    private final JsonMapper json;
    private final StoredJson stored;
    private final MeterRegistry meters;
    private final Limits limits;

    Brokering(
            Sender sender,
            HttpRequests requests,
            Sessions sessions,
            Turns turns,
            TurnTraces traces,
            SessionLog sessionLog,
            TransactionTemplate transactions,
            JsonMapper json,
            StoredJson stored,
            MeterRegistry meters,
            ControlPlaneSettings settings) {
        this.sender = sender;
        this.requests = requests;
        this.sessions = sessions;
        this.turns = turns;
        this.traces = traces;
        this.sessionLog = sessionLog;
        this.transactions = transactions;
        this.json = json;
        this.stored = stored;
        this.meters = meters;
        this.limits = settings.limits();
    }

    HttpAnswer make(Caller caller, String key, HttpOrder order) {
        Outgoing outgoing = Outgoing.of(order, limits.httpRequest().toBytes());
        if (requests.begunWithin(caller.session(), MINUTE) >= limits.httpRate()) {
            throw new RefusedException(new Refusal.Throttled(
                    "A session may make " + limits.httpRate() + " brokered requests a minute.", 5));
        }
        Claim claim = requests.claim(
                caller.session(),
                key,
                sha256(json.writeValueAsBytes(order)),
                caller.incarnation(),
                outgoing.repeatable(),
                limits.httpTime().plus(GRACE));
        return switch (claim) {
            case Claim.Answered(String answer) -> json.readValue(answer, HttpAnswer.class);
            case Claim.InFlight() ->
                throw new RefusedException(new Refusal.Unavailable("This request is being made: ask again.", 1));
            case Claim.Unknown() -> throw new RefusedException(unknown());
            case Claim.Mismatch() -> throw RefusedException.invalid("This Idempotency-Key stands for another request.");
            case Claim.Fresh() -> fresh(caller, key, outgoing);
        };
    }

    private HttpAnswer fresh(Caller caller, String key, Outgoing outgoing) {
        long start = System.nanoTime();
        String outcome = "failed";
        try {
            HttpAnswer answer = sent(caller, outgoing);
            String text = stored.of(answer);
            transactions.executeWithoutResult(ignored -> {
                requests.answer(caller.session(), key, text);
                record(caller, outgoing, "answered", answer.status(), start);
            });
            outcome = "answered";
            return json.readValue(text, HttpAnswer.class);
        } catch (Unreachable e) {
            log.info("session {}: {}", caller.session(), e.getMessage());
            boolean open = e.sent() && !outgoing.repeatable();
            outcome = open ? "unknown" : "unreachable";
            settle(caller, key, outgoing, open, start);
            throw new RefusedException(open ? unknown() : new Refusal.HttpFailed(String.valueOf(e.getMessage())));
        } catch (RefusedException e) {
            outcome = "refused";
            requests.release(caller.session(), key);
            throw e;
        } finally {
            meters.timer("skerry.http.requests", "outcome", outcome)
                    .record(Duration.ofNanos(System.nanoTime() - start));
        }
    }

    private HttpAnswer sent(Caller caller, Outgoing outgoing) throws Unreachable {
        Optional<TurnRow> turn = turns.runningOn(caller.session(), caller.incarnation());
        return turn.isPresent()
                ? traces.call(turn.get(), "http", () -> sender.make(tenant(caller), outgoing))
                : sender.make(tenant(caller), outgoing);
    }

    private void settle(Caller caller, String key, Outgoing outgoing, boolean open, long start) {
        transactions.executeWithoutResult(ignored -> {
            if (open) {
                requests.unknown(caller.session(), key);
            } else {
                requests.release(caller.session(), key);
            }
            record(caller, outgoing, open ? "unknown" : "unreachable", null, start);
        });
    }

    private void record(Caller caller, Outgoing outgoing, String outcome, @Nullable Integer status, long start) {
        Map<String, @Nullable Object> data = new LinkedHashMap<>();
        data.put("method", outgoing.method());
        data.put("host", outgoing.url().host());
        data.put("path", outgoing.url().encodedPath());
        data.put("credential", outgoing.credential());
        data.put("outcome", outcome);
        data.put("status", status);
        data.put("duration_ms", Duration.ofNanos(System.nanoTime() - start).toMillis());
        sessionLog.append(caller.session(), "http.request", null, caller.incarnation(), data);
    }

    private String tenant(Caller caller) {
        return sessions.find(caller.session()).map(SessionRow::tenantId).orElse("");
    }

    private static Refusal unknown() {
        return new Refusal.OutcomeUnknown(
                "The request may have reached its server, which did not answer. It is not made again with this key.");
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256.", e);
        }
    }
}
