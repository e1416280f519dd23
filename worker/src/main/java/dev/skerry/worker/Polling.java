package dev.skerry.worker;

import dev.skerry.activities.control.ControlPlane;
import dev.skerry.activities.control.ControlPlaneActivities;
import dev.skerry.activities.provider.Metro;
import dev.skerry.activities.provider.MetroActivities;
import dev.skerry.activities.reaper.MetroReaper;
import dev.skerry.activities.reaper.SessionReaper;
import dev.skerry.reaper.ReapOrphansWorkflowImpl;
import dev.skerry.session.AgentSessionWorkflowImpl;
import dev.skerry.session.TaskQueues;
import dev.skerry.worker.WorkerSettings.DeploymentSettings;
import dev.skerry.worker.WorkerSettings.MetroSettings;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.temporal.client.WorkflowClient;
import io.temporal.common.VersioningBehavior;
import io.temporal.common.WorkerDeploymentVersion;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerDeploymentOptions;
import io.temporal.worker.WorkerFactory;
import io.temporal.worker.WorkerFactoryOptions;
import io.temporal.worker.WorkerOptions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Starts the pollers when the process is ready, and lets what is in progress finish before it ends. */
@Component
class Polling implements SmartLifecycle {
    private static final int MOST_CALLS_AT_ONCE = 2_000;
    private static final Duration CANCEL_IS_SEEN_AFTER = Duration.ofSeconds(1);
    private static final long DRAIN_SECONDS = 10;

    private final WorkerFactory factory;
    private final SearchAttributeCheck check;
    private volatile boolean running;

    Polling(
            WorkflowClient client,
            WorkerSettings settings,
            ChosenMetros chosen,
            ControlPlane controlPlane,
            List<Metro> metros,
            SearchAttributeCheck check,
            MeterRegistry meters,
            ObservationRegistry observations,
            @Value("${skerry.installation}") String installation) {
        this.check = check;
        this.factory = WorkerFactory.newInstance(
                client,
                WorkerFactoryOptions.newBuilder()
                        .setUsingVirtualWorkflowThreads(true)
                        .setWorkerInterceptors(new ActivitySpans(observations))
                        .build());
        ControlPlaneActivities control = new ControlPlaneActivities(controlPlane, metros);
        Worker sessions = factory.newWorker(TaskQueues.SESSIONS, sessionOptions(settings));
        sessions.registerWorkflowImplementationTypes(AgentSessionWorkflowImpl.class, ReapOrphansWorkflowImpl.class);
        sessions.registerActivitiesImplementations(control);
        factory.newWorker(
                        TaskQueues.CONTROL,
                        WorkerOptions.newBuilder().setUsingVirtualThreads(true).build())
                .registerActivitiesImplementations(control, new SessionReaper(controlPlane, client, meters));
        for (Metro metro : metros) {
            factory.newWorker(TaskQueues.metro(metro.code()), metroOptions(metro.code(), chosen.all()))
                    .registerActivitiesImplementations(
                            new MetroActivities(metro, controlPlane, installation, Clock.systemUTC()),
                            new MetroReaper(metro, installation, client, meters, Clock.systemUTC()));
        }
    }

    static WorkerOptions sessionOptions(WorkerSettings settings) {
        WorkerOptions.Builder options = WorkerOptions.newBuilder()
                .setUsingVirtualThreads(true)
                .setMaxHeartbeatThrottleInterval(CANCEL_IS_SEEN_AFTER);
        if (settings.stickyTimeout() != null) {
            options.setStickyQueueScheduleToStartTimeout(settings.stickyTimeout());
        }
        DeploymentSettings deployment = settings.deployment();
        if (!deployment.name().isEmpty()) {
            options.setDeploymentOptions(WorkerDeploymentOptions.newBuilder()
                    .setUseVersioning(true)
                    .setVersion(new WorkerDeploymentVersion(deployment.name(), deployment.buildId()))
                    .setDefaultVersioningBehavior(
                            switch (deployment.behavior()) {
                                case AUTO_UPGRADE -> VersioningBehavior.AUTO_UPGRADE;
                                case PINNED -> VersioningBehavior.PINNED;
                            })
                    .build());
        }
        return options.build();
    }

    /** Settings that name one metro more than once add up. */
    static WorkerOptions metroOptions(String metro, List<MetroSettings> chosen) {
        double callsPerSecond = chosen.stream()
                .filter(configured -> configured.code().equals(metro))
                .mapToDouble(MetroSettings::callsPerSecond)
                .sum();
        return WorkerOptions.newBuilder()
                .setUsingVirtualThreads(true)
                .setMaxConcurrentActivityExecutionSize(MOST_CALLS_AT_ONCE)
                .setMaxHeartbeatThrottleInterval(CANCEL_IS_SEEN_AFTER)
                .setMaxTaskQueueActivitiesPerSecond(callsPerSecond)
                .build();
    }

    @Override
    public void start() {
        check.everyAttributeIsRegistered();
        factory.start();
        running = true;
    }

    @Override
    public void stop() {
        factory.shutdown();
        factory.awaitTermination(DRAIN_SECONDS, TimeUnit.SECONDS);
        running = false;
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
