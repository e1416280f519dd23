package dev.skerry.controlplane.http;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneSettings.Limits;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** Serves one session only so many requests at once and one session or tenant only so many a second: a flood leaves others alone. */
@Component
public class InProgress {
    private static final int MOST_REMEMBERED = 100_000;

    private final Map<String, Integer> requests = new ConcurrentHashMap<>();
    private final Map<String, String> tenants = new ConcurrentHashMap<>();
    private final Sessions sessions;
    private final Rate bySession;
    private final Rate byTenant;
    private final int most;

    InProgress(Sessions sessions, ControlPlaneSettings settings) {
        Limits limits = settings.limits();
        this.sessions = sessions;
        this.most = limits.requests();
        this.bySession = new Rate(limits.sessionRate());
        this.byTenant = new Rate(limits.tenantRate());
    }

    /** Throws {@link RefusedException} when there are too many; otherwise {@link #leave} must follow. */
    public void enter(String session) {
        if (!bySession.take(session)) {
            throw tooMany("This session makes too many calls a second: slow down.");
        }
        if (!byTenant.take(tenant(session))) {
            throw tooMany("The sessions of this tenant make too many calls a second: slow down.");
        }
        if (requests.merge(session, 1, Integer::sum) > most) {
            leave(session);
            throw tooMany("This session makes too many calls at once: wait for some to end.");
        }
    }

    public void leave(String session) {
        requests.computeIfPresent(session, (key, count) -> count == 1 ? null : count - 1);
    }

    private String tenant(String session) {
        if (tenants.size() > MOST_REMEMBERED) {
            tenants.clear();
        }
        return tenants.computeIfAbsent(
                session, id -> sessions.find(id).map(SessionRow::tenantId).orElse(""));
    }

    private static RefusedException tooMany(String detail) {
        return new RefusedException(new Refusal.Throttled(detail, 1));
    }
}
