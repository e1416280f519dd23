package dev.skerry.activities.provider;

import dev.skerry.session.SandboxLost;
import dev.skerry.session.SessionId;
import dev.skerry.session.SessionStatus;
import dev.skerry.temporal.SearchAttributes;
import io.grpc.StatusRuntimeException;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowException;
import io.temporal.client.WorkflowExecutionDescription;
import io.temporal.client.WorkflowStub;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sessions as Temporal knows them; one that is over or suspended is not disturbed by a question. */
public final class AwakeSessions implements LossLook.Sessions {
    private static final Logger log = LoggerFactory.getLogger(AwakeSessions.class);

    private final WorkflowClient client;

    public AwakeSessions(WorkflowClient client) {
        this.client = client;
    }

    @Override
    public Optional<SessionStatus> status(SessionId session) {
        try {
            WorkflowStub workflow = client.newUntypedWorkflowStub(session.value());
            return mayBeAwake(workflow.describe())
                    ? Optional.of(workflow.query("status", SessionStatus.class))
                    : Optional.empty();
        } catch (WorkflowException | StatusRuntimeException e) {
            log.info("Session {} does not say whether it is awake: {}", session, e.getMessage());
            return Optional.empty();
        }
    }

    private static boolean mayBeAwake(WorkflowExecutionDescription description) {
        String shown = description.getTypedSearchAttributes().get(SearchAttributes.STATUS);
        return description.getStatus() == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
                && (shown == null || shown.equals(SearchAttributes.AWAKE));
    }

    /** A session that is over wants no news; one that cannot be told finds out by itself, later. */
    @Override
    public boolean tell(SessionId session, SandboxLost lost) {
        try {
            client.newUntypedWorkflowStub(session.value()).signal("sandboxLost", lost);
            return true;
        } catch (WorkflowException | StatusRuntimeException e) {
            log.info("Session {} was not told that its sandbox ended: {}", session, e.getMessage());
            return false;
        }
    }
}
