package dev.skerry.activities.provider;

import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxLost;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import dev.skerry.session.SessionStatus;
import dev.skerry.session.Status;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds sandboxes that ended without having been told to, in a metro that tells nothing by itself.
 *
 * <p>Each look lists what this installation has. A VM that is listed as stopped, or that was there at the look before and is not now, is
 * lost only when its session says that it is awake in this very VM and the metro, asked for the VM alone, says the same again; and both
 * still say so a moment later. Any doubt waits for the next look: a missing heartbeat or the next message finds out what is missed here.
 */
public final class LossLook {
    private static final Logger log = LoggerFactory.getLogger(LossLook.class);
    private static final Duration MOMENT = Duration.ofSeconds(2);
    private static final String VANISHED = "is not there any more";

    private final Metro metro;
    private final String installation;
    private final Sessions sessions;
    private final MeterRegistry meters;
    private final Duration moment;
    private Map<SandboxName, SessionId> alive = Map.of();
    private final Set<SandboxName> told = new HashSet<>();

    /** Whose sandboxes they are. */
    public interface Sessions {
        /** What the session says of itself; empty when it is over or suspended, or does not say. */
        Optional<SessionStatus> status(SessionId session);

        /** Tells the session; answers whether it heard. */
        boolean tell(SessionId session, SandboxLost lost);
    }

    public LossLook(Metro metro, String installation, Sessions sessions, MeterRegistry meters) {
        this(metro, installation, sessions, meters, MOMENT);
    }

    LossLook(Metro metro, String installation, Sessions sessions, MeterRegistry meters, Duration moment) {
        this.metro = metro;
        this.installation = installation;
        this.sessions = sessions;
        this.meters = meters;
        this.moment = moment;
        count("skerry.metro.lost", 0);
        count("skerry.metro.looks.failed", 0);
    }

    private record Suspect(SandboxName name, SessionId session, String how) {}

    /** One look; never throws on account of the metro. */
    public void look() throws InterruptedException {
        if (metro.keepsFailing()) {
            return;
        }
        List<Owned> listed;
        try {
            listed = metro.owned(installation, () -> {});
        } catch (ProviderException e) {
            count("skerry.metro.looks.failed", 1);
            log.info("Metro {} could not be looked at for lost sandboxes: {}", metro.code(), e.getMessage());
            return;
        }
        List<Suspect> suspects = suspects(listed);
        List<Suspect> lost = suspects.stream().filter(this::isLost).toList();
        if (!lost.isEmpty()) {
            Thread.sleep(moment);
            lost.stream().filter(this::isLost).forEach(this::tell);
        }
    }

    private List<Suspect> suspects(List<Owned> listed) {
        List<Suspect> suspects = new ArrayList<>();
        Map<SandboxName, SessionId> before = alive;
        Map<SandboxName, SessionId> now = new HashMap<>();
        Set<SandboxName> names = new HashSet<>();
        Set<SandboxName> ended = new HashSet<>();
        for (Owned owned : listed) {
            names.add(owned.name());
            String ending = owned.ending();
            if (ending != null) {
                ended.add(owned.name());
            }
            owned.session().ifPresent(session -> {
                if (ending == null) {
                    now.put(owned.name(), session);
                } else if (!told.contains(owned.name())) {
                    suspects.add(new Suspect(owned.name(), session, ending));
                }
            });
        }
        before.forEach((name, session) -> {
            if (!names.contains(name)) {
                suspects.add(new Suspect(name, session, VANISHED));
            }
        });
        told.retainAll(ended);
        alive = now;
        return suspects;
    }

    /** The session is asked first: once it is awake in a VM, that VM ends only by dying or by what the session says before. */
    private boolean isLost(Suspect suspect) {
        Optional<SessionStatus> status = sessions.status(suspect.session());
        if (status.isEmpty() || !isAwakeIn(suspect.name(), status.get())) {
            return false;
        }
        try {
            Sighting sighting = metro.provider().inspect(suspect.name());
            return sighting == Sighting.STOPPED || sighting == Sighting.GONE;
        } catch (ProviderException e) {
            count("skerry.metro.looks.failed", 1);
            return false;
        }
    }

    private boolean isAwakeIn(SandboxName name, SessionStatus status) {
        boolean awake = status.status() == Status.IDLE || status.status() == Status.RUNNING;
        return awake
                && status.box() != null
                && status.box().name().equals(name)
                && status.box().metro().equals(metro.code());
    }

    private void tell(Suspect suspect) {
        if (sessions.tell(suspect.session(), new SandboxLost(0, "ended", suspect.name(), suspect.how()))) {
            log.info("Sandbox {} in metro {} {}", suspect.name(), metro.code(), suspect.how());
            count("skerry.metro.lost", 1);
            told.add(suspect.name());
        }
    }

    private void count(String name, int amount) {
        meters.counter(name, "metro", metro.code()).increment(amount);
    }
}
