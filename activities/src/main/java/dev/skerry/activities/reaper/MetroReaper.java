package dev.skerry.activities.reaper;

import dev.skerry.activities.provider.Metro;
import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.activities.reaper.Workflows.Life;
import dev.skerry.reaper.ReaperActivities;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import io.micrometer.core.instrument.MeterRegistry;
import io.temporal.activity.Activity;
import io.temporal.client.WorkflowClient;
import io.temporal.failure.ApplicationFailure;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Judges VMs by what Temporal says of their sessions.
 *
 * <p>A VM is an orphan when its session's workflow is closed or unknown, or is open and says that its VM has another name.
 */
public final class MetroReaper implements ReaperActivities {
    private final Metro metro;
    private final String installation;
    private final Workflows workflows;
    private final MeterRegistry meters;
    private final Clock clock;
    private final AtomicInteger seen = new AtomicInteger();
    private final AtomicInteger kept = new AtomicInteger();
    private final AtomicInteger orphaned = new AtomicInteger();

    public MetroReaper(Metro metro, String installation, WorkflowClient temporal, MeterRegistry meters, Clock clock) {
        this.metro = metro;
        this.installation = installation;
        this.workflows = new Workflows(temporal);
        this.meters = meters;
        this.clock = clock;
        gauge("skerry.reaper.seen", seen);
        gauge("skerry.reaper.kept", kept);
        gauge("skerry.reaper.orphans", orphaned);
        count("skerry.reaper.reclaimed", 0);
        count("skerry.reaper.failed", 0);
    }

    @Override
    public Sweep findOrphans(String code, Duration grace, int most) {
        try {
            Sweep sweep = look(clock.instant().minus(grace), most);
            seen.set(sweep.seen());
            kept.set(sweep.kept());
            orphaned.set(sweep.orphans().size());
            return sweep;
        } catch (RuntimeException e) {
            count("skerry.reaper.failed", 1);
            throw e;
        }
    }

    private Sweep look(Instant oldEnough, int most) {
        List<Orphan> orphans = new ArrayList<>();
        int keep = 0;
        List<Owned> all = everything();
        for (Owned owned : all) {
            Activity.getExecutionContext().heartbeat(null);
            Optional<Orphan> orphan = owned.createdAt().isAfter(oldEnough) ? Optional.empty() : judge(owned);
            if (orphan.isEmpty()) {
                keep++;
            } else if (orphans.size() < most) {
                orphans.add(orphan.get());
            }
        }
        return new Sweep(all.size(), keep, orphans);
    }

    @Override
    public boolean destroyOrphan(String code, Orphan orphan) {
        try {
            if (ownedByTheLiving(orphan.session(), orphan.name())) {
                return false;
            }
            destroy(new SandboxName(orphan.name()));
            count("skerry.reaper.reclaimed", 1);
            return true;
        } catch (ApplicationFailure e) {
            count("skerry.reaper.failed", 1);
            throw e;
        }
    }

    private void destroy(SandboxName name) {
        try {
            metro.provider().destroy(name, () -> Activity.getExecutionContext().heartbeat(null));
        } catch (ProviderException e) {
            throw Workflows.doubt("destroy " + name, e);
        }
    }

    private List<Owned> everything() {
        try {
            return metro.owned(
                    installation, () -> Activity.getExecutionContext().heartbeat(null));
        } catch (ProviderException e) {
            throw Workflows.doubt("list " + metro.code(), e);
        }
    }

    private Optional<Orphan> judge(Owned owned) {
        return owned.session()
                .map(SessionId::value)
                .filter(id -> !ownedByTheLiving(id, owned.name().value()))
                .map(id -> new Orphan(owned.name().value(), id));
    }

    private boolean ownedByTheLiving(String session, String name) {
        return workflows.of(session) == Life.OPEN && workflows.owns(session, name);
    }

    private void gauge(String name, AtomicInteger value) {
        io.micrometer.core.instrument.Gauge.builder(name, value, AtomicInteger::get)
                .tag("metro", metro.code())
                .register(meters);
    }

    private void count(String name, int amount) {
        meters.counter(name, "metro", metro.code()).increment(amount);
    }
}
