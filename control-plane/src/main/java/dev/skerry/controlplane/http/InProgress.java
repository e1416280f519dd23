package dev.skerry.controlplane.http;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** Serves one session only so many requests at once, so that a flood from one leaves the others alone. */
@Component
public class InProgress {
    private final Map<String, Integer> requests = new ConcurrentHashMap<>();
    private final int most;

    InProgress(ControlPlaneSettings settings) {
        this.most = settings.limits().requests();
    }

    /** Throws {@link RefusedException} when too many are in progress; otherwise {@link #leave} must follow. */
    public void enter(String session) {
        if (requests.merge(session, 1, Integer::sum) > most) {
            leave(session);
            throw new RefusedException(
                    new Refusal.Throttled("This session makes too many calls at once: wait for some to end.", 1));
        }
    }

    public void leave(String session) {
        requests.computeIfPresent(session, (key, count) -> count == 1 ? null : count - 1);
    }
}
