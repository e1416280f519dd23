package dev.skerry.session;

import dev.skerry.temporal.TemporalSettings;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.temporal.testing.WorkflowReplayer;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerOptions;

/** Replays histories against one implementation, payloads read as production reads them. */
public final class Replayer implements AutoCloseable {
    private static final long COLD_CLASSES_TAKE_MILLIS = 60_000;

    private final TestWorkflowEnvironment environment;
    private final Worker worker;

    public Replayer(Class<?> implementation) {
        environment = TestWorkflowEnvironment.newInstance(TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(WorkflowClientOptions.newBuilder()
                        .setDataConverter(TemporalSettings.dataConverter())
                        .build())
                .build());
        worker = environment.newWorker(
                TaskQueues.SESSIONS,
                WorkerOptions.newBuilder()
                        .setDefaultDeadlockDetectionTimeout(COLD_CLASSES_TAKE_MILLIS)
                        .build());
        worker.registerWorkflowImplementationTypes(implementation);
    }

    public void replay(WorkflowExecutionHistory history) throws Exception {
        WorkflowReplayer.replayWorkflowExecution(history, worker);
    }

    @Override
    public void close() {
        environment.close();
    }
}
