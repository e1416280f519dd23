package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.temporal.TemporalSettings;
import dev.skerry.testing.TestingTemporal;
import io.temporal.api.enums.v1.EventType;
import io.temporal.api.enums.v1.TaskQueueType;
import io.temporal.api.taskqueue.v1.TaskQueue;
import io.temporal.api.workflowservice.v1.DescribeTaskQueueRequest;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowOptions;
import io.temporal.common.Priority;
import io.temporal.common.VersioningBehavior;
import io.temporal.common.WorkerDeploymentVersion;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerDeploymentOptions;
import io.temporal.worker.WorkerFactory;
import io.temporal.worker.WorkerFactoryOptions;
import io.temporal.worker.WorkerOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What only a real server can do: be fair between tenants, and route sessions to the version of the worker that they belong to. */
@Timeout(240)
class RealServerTest {
    private static final Timeouts PATIENT =
            new Timeouts(Duration.ofMinutes(5), Duration.ofDays(7), Duration.ofDays(30));
    private static final Reason DELETED = new Reason("deleted", "Deleted by its owner.");
    private static final int BURST = 100;
    private static final int LATE = 10;
    private static final int SUSPENDED = 20;
    private static final int CACHED = 4;
    private static final List<String> METROS = List.of("local", "other");

    private TestingTemporal temporal;
    private WorkflowServiceStubs stubs;
    private WorkflowClient client;

    private final Ulid ids = new Ulid(Clock.systemUTC());
    private final ModelFaults faults = new ModelFaults();
    private final ModelRecord record = new ModelRecord(faults);
    private final ModelCloud cloud = new ModelCloud(faults, record);
    private final List<WorkerFactory> factories = new ArrayList<>();

    @BeforeEach
    void start(@TempDir Path directory) throws Exception {
        temporal = TestingTemporal.start(directory, SearchAttributes.cliTypes());
        stubs = new TemporalSettings(temporal.target(), "default").stubs();
        client = new TemporalSettings(temporal.target(), "default").client(stubs);
    }

    @AfterEach
    void stop() {
        factories.forEach(WorkerFactory::shutdownNow);
        if (temporal != null) {
            stubs.shutdownNow();
            temporal.close();
        }
    }

    /** On average only: a queue has partitions, each is fair by itself, and which one is asked next is chance. */
    @Test
    void aBurstOfOneTenantDoesNotStarveAnother() {
        sessions(client, WorkerOptions.getDefaultInstance());
        List<SessionId> busy =
                IntStream.range(0, BURST).mapToObj(_ -> begin("ten_busy")).toList();
        await(() -> backlog() == BURST);
        List<SessionId> calm =
                IntStream.range(0, LATE).mapToObj(_ -> begin("ten_calm")).toList();
        await(() -> backlog() == BURST + LATE);
        metro(WorkerOptions.newBuilder()
                .setMaxConcurrentActivityExecutionSize(1)
                .setMaxConcurrentActivityTaskPollers(1)
                .build());
        await(() -> cloud.created.size() == BURST + LATE);
        assertThat(place(calm)).as("the mean place of those that came last").isLessThan(BURST / 2.0);
    }

    private double place(List<SessionId> sessions) {
        return sessions.stream().mapToInt(cloud.created::indexOf).average().orElseThrow();
    }

    @Test
    void aPinnedSessionStaysWithItsVersionAndNewOnesTakeTheNewest() throws Exception {
        metro(WorkerOptions.getDefaultInstance());
        deploy("one", VersioningBehavior.PINNED);
        SessionId old = idle();
        deploy("two", VersioningBehavior.PINNED);
        SessionId fresh = idle();
        of(old).suspend();
        await(() -> of(old).status().status() == Status.SUSPENDED);
        assertThat(whoRan(old)).containsOnly("one");
        assertThat(whoRan(fresh)).containsOnly("two");
        of(old).terminate(DELETED);
        of(fresh).terminate(DELETED);
        await(() -> record.settled(old) && record.settled(fresh));
    }

    @Test
    void anAutoUpgradingSessionMovesToTheNewestVersionAtItsNextStepAndThenNobodyNeedsTheOldOne() throws Exception {
        metro(WorkerOptions.getDefaultInstance());
        deploy("one", VersioningBehavior.AUTO_UPGRADE);
        SessionId session = idle();
        await(() -> running("one") == 1);
        deploy("two", VersioningBehavior.AUTO_UPGRADE);
        await(() -> movedBy(session, "two"));
        of(session).suspend();
        await(() -> cloud.of(session).getFirst().state() == SandboxActivities.Sighting.FROZEN);
        assertThat(whoRan(session)).containsExactly("one", "two");
        await(() -> running("one") == 0 && running("two") == 1);
        of(session).terminate(DELETED);
        await(() -> record.settled(session));
    }

    @Test
    void aSuspendedSessionOutOfTheCacheTakesNoMemoryOfTheWorker() throws Exception {
        metro(WorkerOptions.getDefaultInstance());
        WorkerFactory factory = WorkerFactory.newInstance(
                client,
                WorkerFactoryOptions.newBuilder()
                        .setUsingVirtualWorkflowThreads(true)
                        .setWorkflowCacheSize(CACHED)
                        .build());
        sessions(factory, WorkerOptions.getDefaultInstance());
        List<SessionId> all =
                IntStream.range(0, SUSPENDED).mapToObj(_ -> begin("ten_test")).toList();
        for (SessionId session : all) {
            await(() -> of(session).status().status() == Status.IDLE);
            of(session).suspend();
        }
        for (SessionId session : all) {
            await(() -> cloud.of(session).getFirst().state() == SandboxActivities.Sighting.FROZEN);
        }
        await(() -> inMemory(AgentSessionWorkflowImpl.class) <= CACHED);
        assertThat(inMemory(TurnQueue.class)).isLessThanOrEqualTo(CACHED);
        SessionId first = all.getFirst();
        of(first).resume();
        await(() -> of(first).status().status() == Status.IDLE);
        assertThat(inMemory(AgentSessionWorkflowImpl.class))
                .as("one that came back")
                .isPositive();
        for (SessionId session : all) {
            of(session).terminate(DELETED);
        }
        await(() -> all.stream().allMatch(record::settled));
    }

    /** Live objects after a full garbage collection. */
    private static long inMemory(Class<?> type) {
        try {
            String histogram = (String) ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=DiagnosticCommand"),
                            "gcClassHistogram",
                            new Object[] {new String[0]},
                            new String[] {String[].class.getName()});
            return histogram
                    .lines()
                    .map(line -> line.strip().split("\\s+"))
                    .filter(columns -> columns.length >= 4 && columns[3].equals(type.getName()))
                    .mapToLong(columns -> Long.parseLong(columns[1]))
                    .sum();
        } catch (JMException e) {
            throw new IllegalStateException("this JVM counts no objects", e);
        }
    }

    /** How many sessions still need a version, asked as {@code docs/changing-workflows.md} says. */
    private long running(String build) {
        try {
            String said = temporal.operator(
                    "workflow",
                    "count",
                    "--query",
                    "TemporalWorkerDeploymentVersion = 'skerry:" + build + "' AND ExecutionStatus = 'Running'");
            return Long.parseLong(said.replaceAll("\\D", ""));
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("temporal workflow count does not answer", e);
        }
    }

    /** How many activities wait for a metro's worker, as the server has them in its queues and not only in histories. */
    private long backlog() {
        return METROS.stream()
                .mapToLong(code -> stubs.blockingStub()
                        .describeTaskQueue(DescribeTaskQueueRequest.newBuilder()
                                .setNamespace("default")
                                .setTaskQueue(TaskQueue.newBuilder().setName(TaskQueues.metro(code)))
                                .setTaskQueueType(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
                                .setReportStats(true)
                                .build())
                        .getStats()
                        .getApproximateBacklogCount())
                .sum();
    }

    /** As {@code skerry.worker.deployment.*} does it. */
    private void versioned(String build, VersioningBehavior behavior) {
        WorkflowClient own = WorkflowClient.newInstance(
                stubs,
                WorkflowClientOptions.newBuilder()
                        .setDataConverter(TemporalSettings.dataConverter())
                        .setIdentity(build)
                        .build());
        sessions(
                own,
                WorkerOptions.newBuilder()
                        .setDeploymentOptions(WorkerDeploymentOptions.newBuilder()
                                .setUseVersioning(true)
                                .setVersion(new WorkerDeploymentVersion("skerry", build))
                                .setDefaultVersioningBehavior(behavior)
                                .build())
                        .build());
    }

    /** From now on new sessions go to this version. */
    private void deploy(String build, VersioningBehavior behavior) {
        versioned(build, behavior);
        makeCurrent(build);
    }

    private SessionId idle() {
        SessionId session = begin("ten_test");
        await(() -> of(session).status().status() == Status.IDLE);
        return session;
    }

    private void makeCurrent(String build) {
        await(() -> {
            try {
                temporal.operator(
                        "worker",
                        "deployment",
                        "set-current-version",
                        "--deployment-name",
                        "skerry",
                        "--build-id",
                        build,
                        "--yes");
                return true;
            } catch (AssertionError | Exception notYet) {
                return false;
            }
        });
    }

    /** The server needs a moment to route by a version that became current; a step that changes nothing shows whether it does. */
    private boolean movedBy(SessionId session, String version) {
        of(session).cancelTurn();
        return whoRan(session).contains(version);
    }

    private List<String> whoRan(SessionId session) {
        return client.fetchHistory(session.value()).getEvents().stream()
                .filter(event -> event.getEventType() == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
                .map(event -> event.getWorkflowTaskCompletedEventAttributes().getIdentity())
                .distinct()
                .toList();
    }

    private void sessions(WorkflowClient own, WorkerOptions options) {
        sessions(WorkerFactory.newInstance(own), options);
    }

    private void sessions(WorkerFactory factory, WorkerOptions options) {
        Worker worker = factory.newWorker(TaskQueues.SESSIONS, options);
        worker.registerWorkflowImplementationTypes(AgentSessionWorkflowImpl.class);
        worker.registerActivitiesImplementations(record);
        begin(factory);
    }

    private void metro(WorkerOptions options) {
        WorkerFactory factory = WorkerFactory.newInstance(client);
        METROS.forEach(
                code -> factory.newWorker(TaskQueues.metro(code), options).registerActivitiesImplementations(cloud));
        begin(factory);
    }

    private void begin(WorkerFactory factory) {
        factory.start();
        factories.add(factory);
    }

    private SessionId begin(String tenant) {
        SessionId id = ids.session();
        AgentSessionWorkflow workflow = client.newWorkflowStub(
                AgentSessionWorkflow.class,
                WorkflowOptions.newBuilder()
                        .setWorkflowId(id.value())
                        .setTaskQueue(TaskQueues.SESSIONS)
                        .setPriority(
                                Priority.newBuilder().setFairnessKey(tenant).build())
                        .build());
        WorkflowClient.start(workflow::run, SessionState.created(id, tenant, "inst", PATIENT, Instant.now()));
        return id;
    }

    private AgentSessionWorkflow of(SessionId id) {
        return client.newWorkflowStub(AgentSessionWorkflow.class, id.value());
    }

    private static void await(BooleanSupplier condition) {
        Instant deadline = Instant.now().plusSeconds(90);
        while (!condition.getAsBoolean()) {
            assertThat(Instant.now()).as("it never happens").isBefore(deadline);
            ModelFaults.last(20);
        }
    }
}
