package dev.skerry.reaper;

import dev.skerry.session.Reason;
import dev.skerry.session.TaskQueues;
import dev.skerry.temporal.TemporalSettings;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.failure.ApplicationFailure;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.WorkerFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

/** Sweeps over the metros {@code one} and {@code two}, which hold what the test says, on a real Temporal server. */
final class Sweeps implements AutoCloseable {
    static final List<String> METROS = List.of("one", "two");

    final List<String> destroyed = new CopyOnWriteArrayList<>();
    final List<String> closed = new CopyOnWriteArrayList<>();

    private final Scenario scenario;
    private final WorkflowServiceStubs stubs;
    private final WorkflowClient client;
    private final WorkerFactory workers;

    /**
     * What is found and what fails.
     *
     * @param vms orphans by metro
     * @param sessions records without a workflow
     * @param unlisted metros that do not list what they have
     * @param refused VMs that cannot be destroyed and sessions that cannot be closed
     */
    record Scenario(
            String name,
            boolean dryRun,
            Map<String, List<String>> vms,
            List<String> sessions,
            Set<String> unlisted,
            Set<String> refused) {
        @Override
        public String toString() {
            return name;
        }

        static List<Scenario> all() {
            Map<String, List<String>> some = Map.of("one", List.of("a", "b", "c"), "two", List.of("d"));
            List<String> sessions = List.of("ses_1", "ses_2");
            return List.of(
                    new Scenario("nothing-found", false, Map.of(), List.of(), Set.of(), Set.of()),
                    new Scenario("dry-run", true, some, sessions, Set.of(), Set.of()),
                    new Scenario("all-reclaimed", false, some, sessions, Set.of(), Set.of()),
                    new Scenario("some-refused", false, some, sessions, Set.of(), Set.of("a", "ses_1")),
                    new Scenario("metro-not-listed", false, some, List.of(), Set.of("two"), Set.of()));
        }
    }

    Sweeps(Scenario scenario, String target) {
        this.scenario = scenario;
        TemporalSettings settings = new TemporalSettings(target, "default");
        stubs = settings.stubs();
        client = settings.client(stubs);
        workers = WorkerFactory.newInstance(client);
        workers.newWorker(TaskQueues.SESSIONS).registerWorkflowImplementationTypes(ReapOrphansWorkflowImpl.class);
        workers.newWorker(TaskQueues.CONTROL).registerActivitiesImplementations(new Records());
        METROS.forEach(
                metro -> workers.newWorker(TaskQueues.metro(metro)).registerActivitiesImplementations(new Metros()));
        workers.start();
    }

    record Swept(ReapReport report, WorkflowExecutionHistory history) {}

    Swept run() {
        String id = "reap-" + UUID.randomUUID();
        ReapReport report = client.newWorkflowStub(
                        ReapOrphansWorkflow.class,
                        WorkflowOptions.newBuilder()
                                .setWorkflowId(id)
                                .setTaskQueue(TaskQueues.SESSIONS)
                                .build())
                .run(new ReapOrder(METROS, scenario.dryRun(), Duration.ofMinutes(10), Duration.ofMillis(200), 50));
        return new Swept(report, client.fetchHistory(id));
    }

    @Override
    public void close() {
        workers.shutdownNow();
        stubs.shutdownNow();
    }

    private void mayRefuse(String name) {
        if (scenario.refused().contains(name)) {
            throw ApplicationFailure.newNonRetryableFailure("Could not end " + name + ".", "reaper_doubt");
        }
    }

    private final class Metros implements ReaperActivities {
        @Override
        public Sweep findOrphans(String metro, Duration grace, int most) {
            if (scenario.unlisted().contains(metro)) {
                throw ApplicationFailure.newNonRetryableFailure("Could not list " + metro + ".", "reaper_doubt");
            }
            List<Orphan> orphans = new ArrayList<>();
            scenario.vms().getOrDefault(metro, List.of()).forEach(vm -> orphans.add(new Orphan(vm, "ses_" + vm)));
            return new Sweep(orphans.size() + 1, 1, orphans);
        }

        @Override
        public boolean destroyOrphan(String metro, Orphan orphan) {
            mayRefuse(orphan.name());
            destroyed.add(orphan.name());
            return true;
        }
    }

    private final class Records implements AbandonedActivities {
        @Override
        public Found findAbandoned(Duration grace, int most) {
            return new Found(scenario.sessions().size() + 1, scenario.sessions());
        }

        @Override
        public boolean closeAbandoned(String session, long transition, Reason reason) {
            mayRefuse(session);
            closed.add(session);
            return true;
        }
    }
}
