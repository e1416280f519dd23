package dev.skerry.session;

import dev.skerry.temporal.TemporalSettings;
import io.temporal.client.WorkflowClient;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import java.util.concurrent.TimeUnit;

/**
 * A provider and a control plane in memory, and a worker that can be taken away and replaced by one that remembers nothing.
 *
 * <p>For a real Temporal server. The in-process one loses workflow tasks when a local activity runs while its clock skips or another
 * request arrives, and sessions hang that no real server would leave hanging.
 */
final class ModelWorld implements AutoCloseable {
    private static final int DRAIN_SECONDS = 20;

    final ModelFaults faults = new ModelFaults();
    final ModelRecord record = new ModelRecord(faults);
    final ModelCloud cloud = new ModelCloud(faults, record);
    final WorkflowClient client;

    private final WorkflowServiceStubs stubs;
    private WorkerFactory workers;

    ModelWorld(String target) {
        TemporalSettings settings = new TemporalSettings(target, "default");
        stubs = settings.stubs();
        client = settings.client(stubs);
        record.sees(cloud);
        workers = work();
    }

    /** The worker finishes what it has begun, then another one with an empty cache takes over. */
    void restartWorker() {
        workers.shutdown();
        workers.awaitTermination(DRAIN_SECONDS, TimeUnit.SECONDS);
        workers = work();
    }

    /** Another worker takes over from one that breaks off what it was doing: workflow tasks, activities in the middle of their effect. */
    void crashWorker() {
        workers.shutdownNow();
        workers = work();
    }

    private WorkerFactory work() {
        WorkerFactory factory = WorkerFactory.newInstance(client);
        Worker sessions = factory.newWorker(TaskQueues.SESSIONS);
        sessions.registerWorkflowImplementationTypes(AgentSessionWorkflowImpl.class);
        sessions.registerActivitiesImplementations(record);
        factory.newWorker(TaskQueues.metro("local")).registerActivitiesImplementations(cloud);
        factory.newWorker(TaskQueues.metro("other")).registerActivitiesImplementations(cloud);
        factory.start();
        return factory;
    }

    @Override
    public void close() {
        workers.shutdownNow();
        stubs.shutdownNow();
    }
}
