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
     * With an origin, a repeat finds the turn of the first attempt, also when its session has ended since. Without one, a message that
     * could not be delivered is over, so that sending it again does not do it twice.
     */
    TurnView send(SessionRow session, MessageText text, Optional<Origin> origin) {
        TurnId id = origin.map(known -> new TurnId("trn_" + known.id("turn"))).orElseGet(ids::turn);
        TurnRow turn = origin.flatMap(ignored -> turns.find(session.id(), id.value()))
                .orElseGet(() -> turnLog.queue(session.id(), id, text));
        if (!turn.over()) {
            deliver(session, id, origin.isPresent());
        }
        TurnRow delivered = turns.find(session.id(), id.value()).orElseThrow();
        if (refused(delivered)) {
            throw ApiException.sessionEnded();
        }
        return turnLog.view(delivered);
    }

    private void deliver(SessionRow session, TurnId id, boolean comesAgain) {
        try {
            delivery.submit(session, id);
        } catch (SteeringException.Gone | SteeringException.Refused e) {
            turnLog.abandon(session.id(), id.value(), TurnStatus.FAILED, TurnLog.SESSION_ENDED);
        } catch (SteeringException.Away | SteeringException.Busy e) {
            if (!comesAgain) {
                turnLog.abandon(session.id(), id.value(), TurnStatus.FAILED, UNDELIVERED);
            }
            throw e;
        }
    }

    /** Otherwise the session took the turn, and ended it itself if it had to: that is an answer, not a refusal. */
    private static boolean refused(TurnRow turn) {
        return turn.status().equals(TurnStatus.FAILED.code())
                && TurnLog.SESSION_ENDED.code().equals(turn.reasonCode());
    }
}
