package dev.skerry.api.message;

import dev.skerry.api.idempotency.Origin;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.turn.MessageText;
import dev.skerry.api.turn.TurnLog;
import dev.skerry.api.turn.TurnView;
import dev.skerry.api.workflow.Delivery;
import dev.skerry.api.workflow.SteeringException;
import dev.skerry.session.Reason;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnStatus;
import dev.skerry.session.Ulid;
import dev.skerry.store.SessionRow;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Takes messages: recorded first, then submitted to the workflow that queues their turns. */
@Component
class Conversation {
    private static final Reason UNDELIVERED = new Reason(Turns.NOT_DELIVERED, "The message was not accepted.");

    private final Turns turns;
    private final TurnLog turnLog;
    private final Delivery delivery;
    private final Ulid ids;

    Conversation(Turns turns, TurnLog turnLog, Delivery delivery, Ulid ids) {
        this.turns = turns;
        this.turnLog = turnLog;
        this.delivery = delivery;
        this.ids = ids;
    }

    /**
     * With an origin, a repeat finds the turn of the first attempt. Without one, a message that could not be delivered is over, so
     * that sending it again does not do it twice.
     */
    TurnView send(SessionRow session, MessageText text, Optional<Origin> origin) {
        if (session.ending()) {
            throw ApiException.sessionEnded();
        }
        TurnId id = origin.map(known -> new TurnId("trn_" + known.id("turn"))).orElseGet(ids::turn);
        TurnRow turn = origin.flatMap(ignored -> turns.find(session.id(), id.value()))
                .orElseGet(() -> turnLog.queue(session.id(), id, text));
        if (TurnLog.SESSION_ENDED.code().equals(turn.reasonCode())) {
            throw ApiException.sessionEnded();
        }
        try {
            if (!turn.over()) {
                delivery.submit(session, id);
            }
        } catch (SteeringException.Gone | SteeringException.Refused e) {
            turnLog.abandon(session.id(), id.value(), TurnStatus.FAILED, TurnLog.SESSION_ENDED);
            throw ApiException.sessionEnded();
        } catch (SteeringException.Away | SteeringException.Busy e) {
            if (origin.isEmpty()) {
                turnLog.abandon(session.id(), id.value(), TurnStatus.FAILED, UNDELIVERED);
            }
            throw e;
        }
        return turnLog.view(turns.find(session.id(), id.value()).orElseThrow());
    }
}
