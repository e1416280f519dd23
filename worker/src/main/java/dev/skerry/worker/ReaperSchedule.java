package dev.skerry.worker;

import dev.skerry.activities.provider.Metro;
import dev.skerry.reaper.ReapOrder;
import dev.skerry.reaper.ReapOrphansWorkflow;
import dev.skerry.session.TaskQueues;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.enums.v1.ScheduleOverlapPolicy;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.schedules.Schedule;
import io.temporal.client.schedules.ScheduleActionStartWorkflow;
import io.temporal.client.schedules.ScheduleAlreadyRunningException;
import io.temporal.client.schedules.ScheduleClient;
import io.temporal.client.schedules.ScheduleClientOptions;
import io.temporal.client.schedules.ScheduleIntervalSpec;
import io.temporal.client.schedules.ScheduleOptions;
import io.temporal.client.schedules.SchedulePolicy;
import io.temporal.client.schedules.ScheduleSpec;
import io.temporal.client.schedules.ScheduleUpdate;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Keeps the reaper's Temporal Schedule as configured. The in-process test server has no Schedules: there, a timer of this process
 * starts the same workflow.
 */
@Component
class ReaperSchedule implements SmartLifecycle {
    private static final Logger log = LoggerFactory.getLogger(ReaperSchedule.class);

    private final WorkflowClient client;
    private final WorkerSettings settings;
    private final String id;
    private final List<String> metros;
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());
    private volatile boolean running;

    ReaperSchedule(
            WorkflowClient client,
            WorkerSettings settings,
            List<Metro> metros,
            @Value("${skerry.installation}") String installation) {
        this.client = client;
        this.settings = settings;
        this.metros = metros.stream().map(Metro::code).toList();
        this.id = "skerry-reaper-" + installation;
    }

    @Override
    public void start() {
        running = true;
        timer.execute(this::keep);
    }

    private void keep() {
        try {
            createOrUpdate();
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() == Status.Code.UNIMPLEMENTED) {
                long every = settings.reapEvery().toSeconds();
                Future<?> _ = timer.scheduleAtFixedRate(this::startOne, every, every, TimeUnit.SECONDS);
            } else {
                log.warn("could not set the reaper's schedule, trying again: {}", e.getStatus());
                Future<?> _ = timer.schedule(this::keep, 30, TimeUnit.SECONDS);
            }
        }
    }

    private void createOrUpdate() {
        ScheduleClient schedules = ScheduleClient.newInstance(
                client.getWorkflowServiceStubs(),
                ScheduleClientOptions.newBuilder()
                        .setNamespace(client.getOptions().getNamespace())
                        .setDataConverter(client.getOptions().getDataConverter())
                        .build());
        Schedule schedule = Schedule.newBuilder()
                .setAction(ScheduleActionStartWorkflow.newBuilder()
                        .setWorkflowType(ReapOrphansWorkflow.class)
                        .setArguments(ReapOrder.usual(metros))
                        .setOptions(options())
                        .build())
                .setSpec(ScheduleSpec.newBuilder()
                        .setIntervals(List.of(new ScheduleIntervalSpec(settings.reapEvery())))
                        .build())
                .setPolicy(SchedulePolicy.newBuilder()
                        .setOverlap(ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_SKIP)
                        .build())
                .build();
        try {
            schedules.createSchedule(id, schedule, ScheduleOptions.newBuilder().build());
        } catch (ScheduleAlreadyRunningException e) {
            schedules.getHandle(id).update(input -> new ScheduleUpdate(schedule));
        }
    }

    private WorkflowOptions options() {
        return WorkflowOptions.newBuilder()
                .setWorkflowId(id)
                .setTaskQueue(TaskQueues.SESSIONS)
                .setStaticSummary("Destroy VMs that no session owns")
                .build();
    }

    private void startOne() {
        try {
            WorkflowClient.start(
                    client.newWorkflowStub(ReapOrphansWorkflow.class, options())::run, ReapOrder.usual(metros));
        } catch (RuntimeException e) {
            log.warn("the reaper did not start: {}", e.getMessage());
        }
    }

    @Override
    public void stop() {
        timer.shutdownNow();
        running = false;
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
