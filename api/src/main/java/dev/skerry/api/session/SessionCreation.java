package dev.skerry.api.session;

import dev.skerry.api.idempotency.Origin;
import dev.skerry.api.key.Tenant;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.api.turn.MessageText;
import dev.skerry.api.turn.TurnLog;
import dev.skerry.api.workflow.Delivery;
import dev.skerry.api.workflow.SteeringException;
import dev.skerry.session.SessionId;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnStatus;
import dev.skerry.session.Ulid;
import dev.skerry.store.Events;
import dev.skerry.store.Messages;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/**
 * Creates sessions: the row first, then the workflow.
 *
 * <p>The row is the intent. Whatever dies after it was written, a repeat of the request or the {@link SessionReconciler} finishes.
 */
@Component
class SessionCreation {
    private final Sessions sessions;
    private final Turns turns;
    private final Messages messages;
    private final Events events;
    private final TurnLog turnLog;
    private final Delivery delivery;
    private final SessionViews views;
    private final Ulid ids;
    private final JsonMapper json;
    private final TransactionTemplate transaction;

    SessionCreation(
            Sessions sessions,
            Turns turns,
            Messages messages,
            Events events,
            TurnLog turnLog,
            Delivery delivery,
            SessionViews views,
            Ulid ids,
            JsonMapper json,
            TransactionTemplate transaction) {
        this.sessions = sessions;
        this.turns = turns;
        this.messages = messages;
        this.events = events;
        this.turnLog = turnLog;
        this.delivery = delivery;
        this.views = views;
        this.ids = ids;
        this.json = json;
        this.transaction = transaction;
    }

    private record Created(String model, boolean rehearsal) {}

    SessionView create(Tenant tenant, SessionTerms terms, Optional<Origin> origin) {
        SessionId id = terms.id()
                .orElseGet(() -> origin.map(known -> new SessionId("ses_" + known.id("session")))
                        .orElseGet(ids::session));
        if (!record(tenant, id, terms) && !isRepeat(tenant, id, terms)) {
            throw new ApiException(
                    ProblemCode.CONFLICT, "There is another session with this id. Choose a new id, or leave it to us.");
        }
        SessionRow row = sessions.find(id.value()).orElseThrow();
        if (!row.ended()) {
            start(row);
        }
        return views.view(
                sessions.find(id.value()).orElseThrow(),
                firstTurn(row).map(turnLog::view).orElse(null));
    }

    private boolean record(Tenant tenant, SessionId id, SessionTerms terms) {
        return Boolean.TRUE.equals(transaction.execute(status -> {
            boolean inserted = sessions.insert(new Sessions.NewSession(
                    id.value(),
                    tenant.id(),
                    terms.model().id(),
                    terms.model().rehearsal(),
                    terms.cap().nanoUsd(),
                    terms.timeouts().idle().toMillis(),
                    terms.timeouts().suspended().toMillis(),
                    terms.timeouts().lifetime().toMillis(),
                    json.writeValueAsString(terms.labels())));
            if (inserted) {
                if (!terms.agentCommand().isEmpty()) {
                    sessions.setAgentCommand(id.value(), json.writeValueAsString(terms.agentCommand()));
                }
                events.append(
                        id.value(),
                        "session.created",
                        null,
                        null,
                        json.writeValueAsString(
                                new Created(terms.model().id(), terms.model().rehearsal())));
                terms.message().ifPresent(text -> turnLog.queue(id.value(), ids.turn(), text));
            }
            return inserted;
        }));
    }

    private boolean isRepeat(Tenant tenant, SessionId id, SessionTerms terms) {
        return sessions.find(tenant.id(), id.value())
                .filter(row ->
                        !terms.modelChosen() || row.model().equals(terms.model().id()))
                .filter(row -> row.capNanoUsd() == terms.cap().nanoUsd())
                .filter(row -> row.idleTimeoutMs() == terms.timeouts().idle().toMillis())
                .filter(row ->
                        row.suspendedTtlMs() == terms.timeouts().suspended().toMillis())
                .filter(row -> row.lifetimeMs() == terms.timeouts().lifetime().toMillis())
                .filter(row -> json.readValue(row.labels(), Map.class).equals(terms.labels()))
                .filter(row -> sessions.agentCommand(row.id())
                        .map(command -> json.readValue(command, List.class))
                        .orElse(List.of())
                        .equals(terms.agentCommand()))
                .filter(row -> sameMessage(row, terms.message()))
                .isPresent();
    }

    private boolean sameMessage(SessionRow row, Optional<MessageText> message) {
        if (firstTurn(row).isEmpty() || message.isEmpty()) {
            return firstTurn(row).isEmpty() && message.isEmpty();
        }
        return message.get()
                .isContent(json, messages.list(row.id(), 0, 1).getFirst().content());
    }

    /** The turn that was recorded together with the session: one transaction has one time. */
    private Optional<TurnRow> firstTurn(SessionRow row) {
        return messages.list(row.id(), 0, 1).stream()
                .findFirst()
                .flatMap(message -> turns.find(row.id(), message.turnId()))
                .filter(turn -> turn.createdAt().equals(row.createdAt()));
    }

    private void start(SessionRow row) {
        try {
            delivery.start(row);
        } catch (SteeringException.Gone e) {
            return;
        } catch (SteeringException.Refused | SteeringException.Busy e) {
            firstTurn(row)
                    .ifPresent(turn -> turnLog.abandon(
                            row.id(), new TurnId(turn.id()).value(), TurnStatus.FAILED, TurnLog.SESSION_ENDED));
        } catch (SteeringException.Away e) {
            throw new ApiException(
                    ProblemCode.UNAVAILABLE,
                    "Session " + row.id()
                            + " is recorded and will start when Temporal answers again. Repeat the request with the same"
                            + " Idempotency-Key or id, or look at the session later.");
        }
    }
}
