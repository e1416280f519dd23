package dev.skerry.worker;

import static org.springframework.core.NestedExceptionUtils.getMostSpecificCause;

import dev.skerry.activities.provider.Metro;
import dev.skerry.reaper.ReapOrder;
import dev.skerry.reaper.ReapOrphansWorkflow;
import dev.skerry.session.TaskQueues;
import io.grpc.Status;
import io.temporal.api.enums.v1.ScheduleOverlapPolicy;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowExecutionAlreadyStarted;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.schedules.Schedule;
import io.temporal.client.schedules.ScheduleActionStartWorkflow;
import io.temporal.client.schedules.ScheduleAlreadyRunningException;
import io.temporal.client.schedules.ScheduleClient;
import io.temporal.client.schedules.ScheduleClientOptions;
import io.temporal.client.schedules.ScheduleException;
import io.temporal.client.schedules.ScheduleHandle;
import io.temporal.client.schedules.ScheduleIntervalSpec;
import io.temporal.client.schedules.ScheduleOptions;
import io.temporal.client.schedules.SchedulePolicy;
import io.temporal.client.schedules.ScheduleSpec;
import io.temporal.client.schedules.ScheduleUpdate;
import io.temporal.common.converter.DataConverterException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
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
    private static final Duration AGAIN = Duration.ofSeconds(30);

    private final WorkflowClient client;
    private final WorkerSettings settings;
    private final String id;
    private final List<String> metros;
    private final Duration again;
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());
    private volatile boolean running;

    @Autowired
    ReaperSchedule(
            WorkflowClient client,
            WorkerSettings settings,
            List<Metro> metros,
            @Value("${skerry.installation}") String installation) {
        this(client, settings, metros.stream().map(Metro::code).toList(), installation, AGAIN);
    }

    /** Tries again after the given time when Temporal does not take the schedule. */
    ReaperSchedule(
            WorkflowClient client, WorkerSettings settings, List<String> metros, String installation, Duration again) {
        this.client = client;
        this.settings = settings;
        this.metros = List.copyOf(metros);
        this.id = "skerry-reaper-" + installation;
        this.again = again;
    }

    @Override
    public void start() {
        running = true;
        timer.execute(this::keep);
    }

    /** The SDK wraps what the server answers, so the cause decides. */
    private void keep() {
        try {
            createOrUpdate();
        } catch (RuntimeException e) {
            if (timer.isShutdown()) {
                return;
            }
            if (Status.fromThrowable(e).getCode() == Status.Code.UNIMPLEMENTED) {
                log.info("Temporal has no schedules: this worker starts the reaper every {}", settings.reapEvery());
                long every = settings.reapEvery().toMillis();
                Future<?> _ = timer.scheduleAtFixedRate(this::startOne, every, every, TimeUnit.MILLISECONDS);
            } else {
                log.warn(
                        "could not set the reaper's schedule, trying again in {}: {}",
                        again,
                        getMostSpecificCause(e).toString());
                Future<?> _ = timer.schedule(this::keep, again.toMillis(), TimeUnit.MILLISECONDS);
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
            create(schedules, schedule);
        } catch (ScheduleAlreadyRunningException e) {
            update(schedules, schedule);
        }
    }

    private void create(ScheduleClient schedules, Schedule schedule) {
        schedules.createSchedule(id, schedule, ScheduleOptions.newBuilder().build());
    }

    /** The SDK reads a schedule before it changes it, and cannot read one whose workflow has a summary without details. */
    private void update(ScheduleClient schedules, Schedule schedule) {
        ScheduleHandle existing = schedules.getHandle(id);
        try {
            existing.update(input -> {
                warnOfOthers(input.getDescription().getSchedule());
                return new ScheduleUpdate(schedule);
            });
        } catch (ScheduleException e) {
            if (!(e.getCause() instanceof DataConverterException)) {
                throw e;
            }
            existing.delete();
            create(schedules, schedule);
        }
    }

    /** A metro that only another worker names would not be looked at any more, which nobody would see. */
    private void warnOfOthers(Schedule before) {
        List<String> left = new ArrayList<>(metrosOf(before));
        left.removeAll(metros);
        if (!left.isEmpty()) {
            log.warn(
                    "the reaper no longer looks at {}: it did for another worker or before, and this worker does not name"
                            + " it. All workers of an installation must name the same metros",
                    left);
        }
    }

    /** None where another version wrote it so that this one cannot read it. */
    private static List<String> metrosOf(Schedule schedule) {
        try {
            return schedule.getAction() instanceof ScheduleActionStartWorkflow start
                    ? start.getArguments().get(0, ReapOrder.class).metros()
                    : List.of();
        } catch (DataConverterException e) {
            return List.of();
        }
    }

    private WorkflowOptions options() {
        return WorkflowOptions.newBuilder()
                .setWorkflowId(id)
                .setTaskQueue(TaskQueues.SESSIONS)
                .setStaticSummary("Destroy VMs that no session owns")
                .setStaticDetails(
                        "Looks at every metro and at the records of sessions; what it found and did is its result.")
                .build();
    }

    private void startOne() {
        try {
            WorkflowClient.start(
                    client.newWorkflowStub(ReapOrphansWorkflow.class, options())::run, ReapOrder.usual(metros));
        } catch (WorkflowExecutionAlreadyStarted e) {
            log.debug("the reaper's last sweep goes on");
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
