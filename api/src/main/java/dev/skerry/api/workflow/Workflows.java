package dev.skerry.api.workflow;

import dev.skerry.api.ApiSettings;
import dev.skerry.api.InstallationSettings;
import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.Money;
import dev.skerry.session.Reason;
import dev.skerry.session.SessionId;
import dev.skerry.session.SessionState;
import dev.skerry.session.SessionStatus;
import dev.skerry.session.Status;
import dev.skerry.session.TaskQueues;
import dev.skerry.session.Timeouts;
import dev.skerry.session.TurnId;
import dev.skerry.store.SessionRow;
import dev.skerry.temporal.SearchAttributes;
import io.temporal.api.enums.v1.WorkflowIdConflictPolicy;
import io.temporal.api.enums.v1.WorkflowIdReusePolicy;
import io.temporal.client.UpdateOptions;
import io.temporal.client.WithStartWorkflowOperation;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowUpdateHandle;
import io.temporal.client.WorkflowUpdateStage;
import io.temporal.common.Priority;
import io.temporal.workflow.Functions;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/**
 * Starts and steers the workflows that own sessions. Everything here may be repeated without effect and throws
 * {@link SteeringException}.
 */
@Component
public class Workflows {
    private final WorkflowClient client;
    private final TemporalCalls calls;
    private final InstallationSettings installation;
    private final ApiSettings settings;

    Workflows(WorkflowClient client, TemporalCalls calls, InstallationSettings installation, ApiSettings settings) {
        this.client = client;
        this.calls = calls;
        this.installation = installation;
        this.settings = settings;
    }

    /** Starts the session's workflow unless it runs, and submits its first turn in the same request. */
    public void start(SessionRow session, Optional<TurnId> first) {
        AgentSessionWorkflow stub = client.newWorkflowStub(AgentSessionWorkflow.class, options(session));
        SessionState state = SessionState.created(
                new SessionId(session.id()),
                session.tenantId(),
                installation.installation(),
                new Timeouts(
                        Duration.ofMillis(session.idleTimeoutMs()),
                        Duration.ofMillis(session.suspendedTtlMs()),
                        Duration.ofMillis(session.lifetimeMs())),
                session.createdAt(),
                settings.replacementsPerTurn());
        if (first.isEmpty()) {
            calls.call(() -> WorkflowClient.start(stub::run, state));
            return;
        }
        TurnId turn = first.get();
        Functions.Func1<TurnId, SessionStatus> submit = stub::submitTurn;
        Functions.Proc1<SessionState> run = stub::run;
        calls.call(() -> result(WorkflowClient.startUpdateWithStart(
                submit, turn, update("submitTurn", turn.value()), new WithStartWorkflowOperation<>(run, state))));
    }

    /** Queues a stored turn. The update's id is the turn's, so that the server itself drops repeats. */
    public void submit(String session, TurnId turn) {
        calls.call(() ->
                result(client.newUntypedWorkflowStub(session).startUpdate(update("submitTurn", turn.value()), turn)));
    }

    /** The SDK goes on polling for a result past the deadline of the call that asked for it. */
    private SessionStatus result(WorkflowUpdateHandle<SessionStatus> asked) throws Exception {
        long patience = settings.temporalTimeout().toMillis();
        return asked.getResultAsync(patience, TimeUnit.MILLISECONDS).get(patience, TimeUnit.MILLISECONDS);
    }

    public void cancelTurn(String session) {
        ask(session, "cancelTurn");
    }

    public void suspend(String session) {
        ask(session, "suspend");
    }

    public void resume(String session) {
        ask(session, "resume");
    }

    /** Returns when the new cap counts. */
    public void raiseBudget(String session, Money cap) {
        UpdateOptions<SessionStatus> options = UpdateOptions.newBuilder(SessionStatus.class)
                .setUpdateName("raiseBudget")
                .setWaitForStage(WorkflowUpdateStage.COMPLETED)
                .build();
        calls.call(() -> result(client.newUntypedWorkflowStub(session).startUpdate(options, cap)));
    }

    public void terminate(String session, Reason reason) {
        try {
            ask(session, "terminate", reason);
        } catch (SteeringException.Away e) {
            cancel(session);
        }
    }

    /**
     * Ends a session like {@link #terminate}, for sure and without asking whether it did: the server keeps the wish before a worker hears of
     * it. An update it keeps only once a worker has dealt with it, so that a crash may lose it when the session's record says already
     * that it is ending. Reaches also a workflow that no worker runs at present, or that has taken more updates than the server allows.
     */
    public void cancel(String session) {
        calls.call(() -> {
            client.newUntypedWorkflowStub(session).cancel(AgentSessionWorkflow.DELETED_BY_OWNER);
            return session;
        });
    }

    /** Whether the session's workflow was ever started, whatever became of it. */
    public boolean exists(String session) {
        try {
            calls.call(() -> client.newUntypedWorkflowStub(session).describe());
            return true;
        } catch (SteeringException.Gone e) {
            return false;
        }
    }

    private void ask(String session, String update, Object... arguments) {
        UpdateOptions<SessionStatus> options = UpdateOptions.newBuilder(SessionStatus.class)
                .setUpdateName(update)
                .setWaitForStage(WorkflowUpdateStage.ACCEPTED)
                .build();
        calls.call(() -> client.newUntypedWorkflowStub(session).startUpdate(options, arguments));
    }

    private static UpdateOptions<SessionStatus> update(String name, String id) {
        return UpdateOptions.newBuilder(SessionStatus.class)
                .setUpdateName(name)
                .setUpdateId(id)
                .setWaitForStage(WorkflowUpdateStage.COMPLETED)
                .build();
    }

    private static WorkflowOptions options(SessionRow session) {
        return WorkflowOptions.newBuilder()
                .setWorkflowId(session.id())
                .setTaskQueue(TaskQueues.SESSIONS)
                .setWorkflowIdConflictPolicy(WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
                .setWorkflowIdReusePolicy(WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)
                .setTypedSearchAttributes(io.temporal.common.SearchAttributes.newBuilder()
                        .set(SearchAttributes.STATUS, Status.PROVISIONING.code())
                        .set(SearchAttributes.TENANT, session.tenantId())
                        .build())
                .setPriority(
                        Priority.newBuilder().setFairnessKey(session.tenantId()).build())
                .setStaticSummary("Agent session " + session.id())
                .setStaticDetails("Model " + session.model() + ", tenant " + session.tenantId()
                        + ". Its conversation, files and events are in the API, not here.")
                .build();
    }
}
