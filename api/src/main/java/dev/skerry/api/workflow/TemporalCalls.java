package dev.skerry.api.workflow;

import dev.skerry.api.ApiSettings;
import dev.skerry.session.FailureTypes;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.errordetails.v1.NamespaceNotFoundFailure;
import io.temporal.client.WorkflowExecutionAlreadyStarted;
import io.temporal.client.WorkflowNotFoundException;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.failure.ApplicationFailure;
import io.temporal.serviceclient.StatusUtils;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Puts a deadline on every call to Temporal, retries included, and gives each failure one of three meanings. */
@Component
class TemporalCalls {
    private static final Logger log = LoggerFactory.getLogger(TemporalCalls.class);

    private static final String RUN_IS_OVER = "AcceptedUpdateCompletedWorkflow";

    private final Duration timeout;
    private final ScheduledExecutorService deadlines = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("temporal-deadlines").factory());

    TemporalCalls(ApiSettings settings) {
        this.timeout = settings.temporalTimeout();
    }

    @PreDestroy
    void stop() {
        deadlines.shutdownNow();
    }

    <T> T call(Callable<T> call) {
        try (Context.CancellableContext context =
                Context.current().withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS, deadlines)) {
            return context.call(() -> answered(call));
        } catch (Exception e) {
            throw translate(e);
        }
    }

    /** Asks once more where an update was let go: the same run answers, the next one, or none. */
    private static <T> T answered(Callable<T> call) throws Exception {
        try {
            return call.call();
        } catch (RuntimeException | ExecutionException e) {
            if (!wasLetGo(e)) {
                throw e;
            }
            return call.call();
        }
    }

    /**
     * The server lets go of an update when the workflow task that it came with fails at the server, as one does that ends a run while
     * something new arrives: that task is tried again, the update is not. And when a run that had accepted it is over. Both are
     * in {@code abort_reason.go} of the server's {@code service/history/workflow/update}.
     */
    private static boolean wasLetGo(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause).anyMatch(cause -> switch (cause) {
            case StatusRuntimeException status -> status.getStatus().getCode() == Status.Code.FAILED_PRECONDITION;
            case ApplicationFailure said -> RUN_IS_OVER.equals(said.getType());
            default -> false;
        });
    }

    private static SteeringException translate(Exception failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            switch (cause) {
                case WorkflowUpdateException refused -> {
                    return refusal(refused);
                }
                case WorkflowExecutionAlreadyStarted closed -> {
                    return new SteeringException.Gone(closed);
                }
                case WorkflowNotFoundException missing -> {
                    return namespaceMissing(missing) ? away(missing) : new SteeringException.Gone(missing);
                }
                default -> {}
            }
        }
        return away(failure);
    }

    private static SteeringException refusal(WorkflowUpdateException refused) {
        return refused.getCause() instanceof ApplicationFailure said
                        && said.getType().equals(FailureTypes.TOO_MANY_WAITING)
                ? new SteeringException.Busy(refused)
                : new SteeringException.Refused(refused);
    }

    private static boolean namespaceMissing(WorkflowNotFoundException failure) {
        return failure.getCause() instanceof StatusRuntimeException status
                && StatusUtils.hasFailure(status, NamespaceNotFoundFailure.class);
    }

    private static SteeringException away(Exception failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        log.warn("a call to Temporal failed: {}", root.toString());
        return new SteeringException.Away(failure);
    }
}
