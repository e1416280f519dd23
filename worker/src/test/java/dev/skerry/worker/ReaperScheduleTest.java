package dev.skerry.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.reaper.ReapOrder;
import dev.skerry.reaper.ReapOrphansWorkflow;
import dev.skerry.reaper.ReapReport;
import dev.skerry.reaper.ReapReport.SessionsReport;
import dev.skerry.session.TaskQueues;
import dev.skerry.temporal.TemporalSettings;
import dev.skerry.testing.FreePort;
import dev.skerry.testing.TestingTemporal;
import dev.skerry.worker.WorkerSettings.ControlPlaneSettings;
import dev.skerry.worker.WorkerSettings.DeploymentSettings;
import dev.skerry.worker.WorkerSettings.DeploymentSettings.Behavior;
import dev.skerry.worker.WorkerSettings.DiscoverySettings;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.schedules.Schedule;
import io.temporal.client.schedules.ScheduleActionStartWorkflow;
import io.temporal.client.schedules.ScheduleClient;
import io.temporal.client.schedules.ScheduleException;
import io.temporal.client.schedules.ScheduleIntervalSpec;
import io.temporal.client.schedules.ScheduleOptions;
import io.temporal.client.schedules.ScheduleSpec;
import io.temporal.serviceclient.RpcRetryOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.temporal.testserver.TestServer;
import io.temporal.worker.WorkerFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class ReaperScheduleTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String ID = "skerry-reaper-test";
    private static final AtomicInteger SWEEPS = new AtomicInteger();

    @TempDir
    private Path directory;

    @Test
    void aServerWithoutSchedulesIsSweptByTheWorkersOwnTimer() throws Exception {
        int port = FreePort.find();
        try (var _ = TestServer.createPortBoundServer(port)) {
            WorkflowServiceStubs stubs = stubs("127.0.0.1:" + port);
            WorkerFactory workers = WorkerFactory.newInstance(client(stubs));
            workers.newWorker(TaskQueues.SESSIONS).registerWorkflowImplementationTypes(CountedSweep.class);
            workers.start();
            ReaperSchedule schedule = schedule(stubs);
            try {
                schedule.start();
                int before = SWEEPS.get();
                await().atMost(PATIENCE).until(() -> SWEEPS.get() >= before + 2);
            } finally {
                schedule.stop();
                workers.shutdownNow();
                stubs.shutdownNow();
            }
        }
    }

    @Test
    void aServerThatIsAwayAtFirstGetsItsScheduleWhenItIsBack(CapturedOutput output) throws Exception {
        try (TestingTemporal temporal = TestingTemporal.start(directory, Map.of())) {
            temporal.kill();
            WorkflowServiceStubs stubs = stubs(temporal.target());
            ReaperSchedule schedule = schedule(stubs);
            try {
                schedule.start();
                await().atMost(PATIENCE)
                        .untilAsserted(() -> assertThat(output).contains("could not set the reaper's schedule"));
                temporal.restart();
                awaitInterval(stubs, Duration.ofSeconds(1));
            } finally {
                schedule.stop();
                stubs.shutdownNow();
            }
        }
    }

    @Test
    void aScheduleThatExistsBecomesWhatIsConfiguredNow(CapturedOutput output) throws Exception {
        try (TestingTemporal temporal = TestingTemporal.start(directory, Map.of())) {
            WorkflowServiceStubs stubs = stubs(temporal.target());
            ReaperSchedule first = schedule(stubs, Duration.ofHours(2), List.of("fra", "was"));
            ReaperSchedule second = schedule(stubs, Duration.ofHours(3), List.of("was"));
            try {
                createUnreadable(stubs);
                first.start();
                awaitInterval(stubs, Duration.ofHours(2));
                second.start();
                awaitInterval(stubs, Duration.ofHours(3));
                assertThat(output).containsOnlyOnce("the reaper no longer looks at [fra]");
            } finally {
                first.stop();
                second.stop();
                stubs.shutdownNow();
            }
        }
    }

    /** As an earlier worker left it: with a summary and no details. */
    private static void createUnreadable(WorkflowServiceStubs stubs) {
        ScheduleClient.newInstance(stubs)
                .createSchedule(
                        ID,
                        Schedule.newBuilder()
                                .setAction(ScheduleActionStartWorkflow.newBuilder()
                                        .setWorkflowType(ReapOrphansWorkflow.class)
                                        .setArguments(ReapOrder.usual(List.of()))
                                        .setOptions(WorkflowOptions.newBuilder()
                                                .setWorkflowId(ID)
                                                .setTaskQueue(TaskQueues.SESSIONS)
                                                .setStaticSummary("A summary")
                                                .build())
                                        .build())
                                .setSpec(ScheduleSpec.newBuilder()
                                        .setIntervals(List.of(new ScheduleIntervalSpec(Duration.ofHours(1))))
                                        .build())
                                .build(),
                        ScheduleOptions.newBuilder().build());
    }

    private static void awaitInterval(WorkflowServiceStubs stubs, Duration expected) {
        ScheduleClient schedules = ScheduleClient.newInstance(stubs);
        await().atMost(PATIENCE)
                .ignoreExceptionsInstanceOf(ScheduleException.class)
                .untilAsserted(() -> assertThat(schedules
                                .getHandle(ID)
                                .describe()
                                .getSchedule()
                                .getSpec()
                                .getIntervals())
                        .extracting(ScheduleIntervalSpec::getEvery)
                        .containsExactly(expected));
    }

    private static ReaperSchedule schedule(WorkflowServiceStubs stubs) {
        return schedule(stubs, Duration.ofSeconds(1), List.of());
    }

    private static ReaperSchedule schedule(WorkflowServiceStubs stubs, Duration every, List<String> metros) {
        WorkerSettings settings = new WorkerSettings(
                new ControlPlaneSettings("http://127.0.0.1:1", "token"),
                List.of(),
                new DiscoverySettings(
                        "http://127.0.0.1:1", "token", "image", 512, 1, Duration.ofHours(1), Duration.ZERO, 50),
                null,
                every,
                Duration.ZERO,
                new DeploymentSettings("", "", Behavior.AUTO_UPGRADE));
        return new ReaperSchedule(client(stubs), settings, metros, "test", Duration.ofMillis(500));
    }

    private static WorkflowClient client(WorkflowServiceStubs stubs) {
        return new TemporalSettings("", "default").client(stubs);
    }

    private static WorkflowServiceStubs stubs(String target) {
        return WorkflowServiceStubs.newServiceStubs(WorkflowServiceStubsOptions.newBuilder()
                .setTarget(target)
                .setRpcTimeout(Duration.ofSeconds(5))
                .setRpcRetryOptions(RpcRetryOptions.newBuilder()
                        .setInitialInterval(Duration.ofMillis(50))
                        .setExpiration(Duration.ofSeconds(1))
                        .validateBuildWithDefaults())
                .build());
    }

    /** Stands in for the sweep itself, which has its own test. */
    public static final class CountedSweep implements ReapOrphansWorkflow {
        @Override
        public ReapReport run(ReapOrder order) {
            SWEEPS.incrementAndGet();
            return new ReapReport(false, new SessionsReport(0, List.of(), 0, "", List.of()), List.of());
        }
    }
}
