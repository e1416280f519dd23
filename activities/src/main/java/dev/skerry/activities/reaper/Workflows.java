package dev.skerry.activities.reaper;

import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.SessionStatus;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.api.errordetails.v1.NamespaceNotFoundFailure;
import io.temporal.api.workflowservice.v1.DescribeWorkflowExecutionRequest;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowException;
import io.temporal.failure.ApplicationFailure;
import io.temporal.serviceclient.StatusUtils;
import org.jspecify.annotations.Nullable;

/** What Temporal says of a session's workflow. Visibility is stale by seconds, so each workflow is described, not searched for. */
final class Workflows {
    private final WorkflowClient temporal;

    Workflows(WorkflowClient temporal) {
        this.temporal = temporal;
    }

    /** Whether a session's workflow goes on. */
    enum Life {
        OPEN,
        CLOSED,
        UNHEARD_OF
    }

    /** Throws a failure of type {@code reaper_doubt} when Temporal does not say. */
    Life of(String session) {
        try {
            WorkflowExecutionStatus status = temporal.getWorkflowServiceStubs()
                    .blockingStub()
                    .describeWorkflowExecution(DescribeWorkflowExecutionRequest.newBuilder()
                            .setNamespace(temporal.getOptions().getNamespace())
                            .setExecution(WorkflowExecution.newBuilder().setWorkflowId(session))
                            .build())
                    .getWorkflowExecutionInfo()
                    .getStatus();
            return status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING ? Life.OPEN : Life.CLOSED;
        } catch (StatusRuntimeException e) {
            boolean noNamespace = StatusUtils.hasFailure(e, NamespaceNotFoundFailure.class);
            if (e.getStatus().getCode() == Status.Code.NOT_FOUND && !noNamespace) {
                return Life.UNHEARD_OF;
            }
            throw doubt("ask Temporal about " + session, e);
        }
    }

    /** Whether an open workflow counts the VM as its own; one that cannot say keeps what it has. */
    boolean owns(String session, String vm) {
        try {
            SessionStatus status = temporal.newWorkflowStub(AgentSessionWorkflow.class, session)
                    .status();
            return status.box() != null && status.box().name().value().equals(vm);
        } catch (WorkflowException | StatusRuntimeException e) {
            return true;
        }
    }

    static RuntimeException doubt(String what, @Nullable Exception cause) {
        return ApplicationFailure.newFailure(
                "Could not " + what + (cause == null ? "." : ": " + cause.getMessage()), "reaper_doubt");
    }
}
