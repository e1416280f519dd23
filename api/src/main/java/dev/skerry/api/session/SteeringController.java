package dev.skerry.api.session;

import dev.skerry.api.key.Tenant;
import dev.skerry.api.key.TenantSessions;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.api.workflow.SteeringException;
import dev.skerry.api.workflow.Workflows;
import dev.skerry.store.SessionRow;
import java.util.function.Consumer;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Asks a session's workflow for something and answers what is known a moment later; events tell when it has happened. */
@RestController
@ResponseStatus(HttpStatus.ACCEPTED)
class SteeringController {
    private final TenantSessions owned;
    private final Workflows workflows;
    private final SessionViews views;

    SteeringController(TenantSessions owned, Workflows workflows, SessionViews views) {
        this.owned = owned;
        this.workflows = workflows;
        this.views = views;
    }

    @PostMapping("/v1/sessions/{id}/suspend")
    SessionView suspend(Tenant tenant, @PathVariable String id) {
        return steer(tenant, id, workflows::suspend);
    }

    @PostMapping("/v1/sessions/{id}/resume")
    SessionView resume(Tenant tenant, @PathVariable String id) {
        return steer(tenant, id, workflows::resume);
    }

    @PostMapping("/v1/sessions/{id}/cancel")
    SessionView cancel(Tenant tenant, @PathVariable String id) {
        return steer(tenant, id, workflows::cancelTurn);
    }

    private SessionView steer(Tenant tenant, String id, Consumer<String> wish) {
        SessionRow session = owned.require(tenant, id);
        if (session.ending()) {
            throw ApiException.sessionEnded();
        }
        try {
            wish.accept(session.id());
        } catch (SteeringException.Gone e) {
            if (owned.require(tenant, id).unborn()) {
                throw new ApiException(
                        ProblemCode.UNAVAILABLE, "The session has not started yet. Try again in a few seconds.");
            }
            throw e;
        }
        return views.view(owned.require(tenant, id));
    }
}
