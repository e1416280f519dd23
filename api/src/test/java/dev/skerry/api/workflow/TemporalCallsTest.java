package dev.skerry.api.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.api.ApiSettings;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.client.WorkflowServiceException;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.failure.ApplicationFailure;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TemporalCallsTest {
    private static final WorkflowExecution SESSION =
            WorkflowExecution.newBuilder().setWorkflowId("ses_1").build();

    private final TemporalCalls calls = new TemporalCalls(new ApiSettings(
            BigDecimal.ONE,
            BigDecimal.TEN,
            new ApiSettings.DefaultTimeouts(Duration.ofMinutes(5), Duration.ofDays(7), Duration.ofDays(30)),
            3,
            null,
            true,
            Duration.ofSeconds(5),
            null,
            Duration.ofSeconds(15),
            1,
            "test"));
    private final AtomicInteger asked = new AtomicInteger();

    @AfterEach
    void stop() {
        calls.stop();
    }

    private static Stream<Exception> whatTheServerLetsGo() {
        StatusRuntimeException taskFailed = new StatusRuntimeException(Status.FAILED_PRECONDITION);
        ApplicationFailure runIsOver =
                ApplicationFailure.newNonRetryableFailure("It is over.", "AcceptedUpdateCompletedWorkflow");
        return Stream.of(
                taskFailed,
                new WorkflowServiceException(SESSION, "AgentSession", taskFailed),
                new WorkflowUpdateException(SESSION, "id", "submitTurn", runIsOver),
                new ExecutionException(new WorkflowUpdateException(SESSION, "id", "submitTurn", runIsOver)));
    }

    @ParameterizedTest
    @MethodSource("whatTheServerLetsGo")
    void whatTheServerLetGoIsAskedAgain(Exception failure) {
        assertThat(calls.call(failing(1, failure))).isEqualTo(2);
    }

    @ParameterizedTest
    @MethodSource("whatTheServerLetsGo")
    void nothingIsAskedThrice(Exception failure) {
        assertThatThrownBy(() -> calls.call(failing(2, failure))).isInstanceOf(SteeringException.class);
        assertThat(asked).hasValue(2);
    }

    @Test
    void anotherFailureIsLeftToTheClientOfTemporal() {
        assertThatThrownBy(() -> calls.call(failing(1, new StatusRuntimeException(Status.UNAVAILABLE))))
                .isInstanceOf(SteeringException.Away.class);
        assertThat(asked).hasValue(1);
    }

    @Test
    void aRefusalIsAnAnswer() {
        ApplicationFailure no = ApplicationFailure.newNonRetryableFailure("It ends.", "SessionEnded");
        assertThatThrownBy(() -> calls.call(failing(1, new WorkflowUpdateException(SESSION, "id", "submitTurn", no))))
                .isInstanceOf(SteeringException.Refused.class);
        assertThat(asked).hasValue(1);
    }

    /** Answers how often it was asked. */
    private Callable<Integer> failing(int times, Exception failure) {
        return () -> {
            if (asked.incrementAndGet() <= times) {
                throw failure;
            }
            return asked.get();
        };
    }
}
