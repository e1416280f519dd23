package dev.skerry.api.key;

import dev.skerry.api.problem.ApiException;
import dev.skerry.session.SessionId;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import org.springframework.stereotype.Component;

/** The only way from an id in a path to a session: another tenant's does not exist. */
@Component
public class TenantSessions {
    private final Sessions sessions;

    TenantSessions(Sessions sessions) {
        this.sessions = sessions;
    }

    /** Refuses with not_found. */
    public SessionRow require(Tenant tenant, String id) {
        if (!SessionId.valid(id)) {
            throw ApiException.notFound("session");
        }
        return sessions.find(tenant.id(), id).orElseThrow(() -> ApiException.notFound("session"));
    }
}
