package dev.skerry.api.turn;

import dev.skerry.api.key.Tenant;
import dev.skerry.api.key.TenantSessions;
import dev.skerry.api.problem.ApiException;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Turns;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** What became of a message. */
@RestController
class TurnController {
    private final TenantSessions sessions;
    private final Turns turns;
    private final TurnLog log;

    TurnController(TenantSessions sessions, Turns turns, TurnLog log) {
        this.sessions = sessions;
        this.turns = turns;
        this.log = log;
    }

    @GetMapping("/v1/sessions/{id}/turns/{turn}")
    TurnView get(Tenant tenant, @PathVariable String id, @PathVariable String turn) {
        SessionRow session = sessions.require(tenant, id);
        return turns.find(session.id(), turn).map(log::view).orElseThrow(() -> ApiException.notFound("turn"));
    }
}
