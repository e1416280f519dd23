package dev.skerry.activities.reaper;

import dev.skerry.activities.provider.Metro;
import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.activities.provider.SandboxProvider.Page;
import dev.skerry.reaper.ReaperActivities;
import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import dev.skerry.session.SessionStatus;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.activity.Activity;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest;
import io.temporal.client.WorkflowClient;
import io.temporal.failure.ApplicationFailure;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Judges VMs by what Temporal says of their sessions.
 *
 * <p>A VM is an orphan when its session's workflow is closed or unknown, or is open and says that its VM has another name. Visibility
 * is stale by seconds, so each workflow is described, not searched for.
 */
public final class MetroReaper implements ReaperActivities {
    private static final String SESSION_TAG = "session=";

    private final Metro metro;
    private final WorkflowClient temporal;
    private final Clock clock;

    public MetroReaper(Metro metro, WorkflowClient temporal, Clock clock) {
        this.metro = metro;
        this.temporal = temporal;
        this.clock = clock;
    }

    @Override
    public Sweep findOrphans(String code, Duration grace, int most) {
        Instant oldEnough = clock.instant().minus(grace);
        List<Orphan> orphans = new ArrayList<>();
        int kept = 0;
        List<Owned> all = everything();
        for (Owned owned : all) {
            Activity.getExecutionContext().heartbeat(null);
            Optional<Orphan> orphan = owned.createdAt().isAfter(oldEnough) ? Optional.empty() : judge(owned);
            if (orphan.isEmpty()) {
                kept++;
            } else if (orphans.size() < most) {
                orphans.add(orphan.get());
            }
        }
        return new Sweep(all.size(), kept, orphans);
    }

    @Override
    public boolean destroyOrphan(String code, Orphan orphan) {
        if (ownedByTheLiving(orphan.session(), orphan.name())) {
            return false;
        }
        try {
            metro.provider()
                    .destroy(
                            new SandboxName(orphan.name()),
                            () -> Activity.getExecutionContext().heartbeat(null));
            return true;
        } catch (ProviderException e) {
            throw doubt("destroy " + orphan.name(), e);
        }
    }

    private List<Owned> everything() {
        TreeMap<String, Owned> byName = new TreeMap<>();
        Set<String> cursors = new java.util.HashSet<>();
        String next = null;
        do {
            Activity.getExecutionContext().heartbeat(null);
            try {
                Page page = metro.provider().listOwned(next);
                page.owned().forEach(owned -> byName.put(owned.name().value(), owned));
                next = page.next();
            } catch (ProviderException e) {
                throw doubt("list", e);
            }
            if (next != null && !cursors.add(next)) {
                throw ApplicationFailure.newFailure(
                        "The listing of " + metro.code() + " goes in circles.", "reaper_doubt");
            }
        } while (next != null);
        return List.copyOf(byName.values());
    }

    private Optional<Orphan> judge(Owned owned) {
        Optional<String> session = owned.tags().stream()
                .filter(tag -> tag.startsWith(SESSION_TAG))
                .map(tag -> tag.substring(SESSION_TAG.length()))
                .filter(SessionId::valid)
                .findFirst();
        return session.filter(id -> !ownedByTheLiving(id, owned.name().value()))
                .map(id -> new Orphan(owned.name().value(), id));
    }

    private boolean ownedByTheLiving(String session, String name) {
        if (!open(session)) {
            return false;
        }
        SessionStatus status =
                temporal.newWorkflowStub(AgentSessionWorkflow.class, session).status();
        return status.box() != null && status.box().name().value().equals(name);
    }

    private boolean open(String session) {
        try {
            return temporal.getWorkflowServiceStubs()
                            .blockingStub()
                            .describeWorkflowExecution(DescribeWorkflowExecutionRequest.newBuilder()
                                    .setNamespace(temporal.getOptions().getNamespace())
                                    .setExecution(WorkflowExecution.newBuilder().setWorkflowId(session))
                                    .build())
                            .getWorkflowExecutionInfo()
                            .getStatus()
                    == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING;
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
                return false;
            }
            throw doubt("ask Temporal about " + session, e);
        }
    }

    private static RuntimeException doubt(String what, Exception cause) {
        return ApplicationFailure.newFailure("Could not " + what + ": " + cause.getMessage(), "reaper_doubt");
    }
}
