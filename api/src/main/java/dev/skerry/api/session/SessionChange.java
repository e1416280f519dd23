package dev.skerry.api.session;

import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.api.workflow.SteeringException;
import dev.skerry.api.workflow.Workflows;
import dev.skerry.session.Money;
import dev.skerry.store.SessionRow;
import org.springframework.stereotype.Component;

/** Changes what a session may spend, through its workflow, which knows whether the session waits for that. */
@Component
class SessionChange {
    private final Workflows workflows;

    SessionChange(Workflows workflows) {
        this.workflows = workflows;
    }

    void cap(SessionRow session, Money cap) {
        if (session.ending()) {
            throw ApiException.sessionEnded();
        }
        try {
            workflows.raiseBudget(session.id(), cap);
        } catch (SteeringException.Gone e) {
            if (session.unborn()) {
                throw new ApiException(
                        ProblemCode.UNAVAILABLE, "The session has not started yet. Try again in a few seconds.");
            }
            throw e;
        }
    }
}
