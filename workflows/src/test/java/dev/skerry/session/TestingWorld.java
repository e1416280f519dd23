package dev.skerry.session;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.temporal.TemporalSettings;
import io.temporal.activity.Activity;
import io.temporal.api.enums.v1.WorkflowIdConflictPolicy;
import io.temporal.client.UpdateOptions;
import io.temporal.client.WithStartWorkflowOperation;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.client.WorkflowUpdateStage;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A provider and a control plane in memory, with a time-skipping Temporal between them and the real workflow. */
final class TestingWorld implements AutoCloseable {
    static final Timeouts TIMEOUTS = new Timeouts(Duration.ofMinutes(5), Duration.ofDays(7), Duration.ofDays(30));

    final Set<String> running = ConcurrentHashMap.newKeySet();
    final Set<String> frozen = ConcurrentHashMap.newKeySet();
    /** Frozen for good: they exist and do not wake. */
    final Set<String> spoilt = ConcurrentHashMap.newKeySet();

    final List<Transition> transitions = new CopyOnWriteArrayList<>();
    final List<String> calls = new CopyOnWriteArrayList<>();
    final List<String> ended = new CopyOnWriteArrayList<>();
    volatile int mostAlive;
    volatile Runnable beforeDestroy = () -> {};
    volatile List<ControlActivities.MetroView> metros =
            List.of(new ControlActivities.MetroView("local", "testing", true, 1, null));
    volatile Function<Transition, @Nullable RuntimeException> provisionFault = request -> null;
    volatile Function<Integer, @Nullable RuntimeException> helloFault = incarnation -> null;
    volatile @Nullable RuntimeException stopFault;
    volatile @Nullable RuntimeException suspendFault;
    final AtomicInteger outages = new AtomicInteger();
    volatile Runnable onCancel = () -> {};
    volatile Runnable onRaise = () -> {};
    volatile TurnScript turns = (incarnation, turn) -> new TurnOutcome(TurnStatus.COMPLETED, null);

    private final @Nullable TestWorkflowEnvironment environment;
    private final WorkerFactory workers;
    private final WorkflowClient client;
    private final Timeouts timeouts;
    private @Nullable Integer turnsPerRun;
    private final Ulid ulid = new Ulid(Clock.systemUTC());

    interface TurnScript {
        TurnOutcome run(int incarnation, TurnId turn) throws Exception;
    }

    TestingWorld() {
        this(TIMEOUTS, timeSkipping());
    }

    private TestingWorld(Timeouts timeouts, TestWorkflowEnvironment environment) {
        this.timeouts = timeouts;
        this.environment = environment;
        client = environment.getWorkflowClient();
        workers = environment.getWorkerFactory();
        work();
    }

    /** With a real server, whose clock cannot be skipped. */
    TestingWorld(Timeouts timeouts, String target) {
        this.timeouts = timeouts;
        environment = null;
        TemporalSettings settings = new TemporalSettings(target, "default");
        client = settings.client(settings.stubs());
        workers = WorkerFactory.newInstance(client);
        work();
    }

    private static TestWorkflowEnvironment timeSkipping() {
        TestEnvironmentOptions.Builder options = TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(WorkflowClientOptions.newBuilder()
                        .setDataConverter(TemporalSettings.dataConverter())
                        .build());
        SearchAttributes.TYPES.forEach(options::registerSearchAttribute);
        return TestWorkflowEnvironment.newInstance(options.build());
    }

    private void work() {
        worker(TaskQueues.SESSIONS).registerWorkflowImplementationTypes(AgentSessionWorkflowImpl.class);
        Control control = new Control();
        workers.getWorker(TaskQueues.SESSIONS).registerActivitiesImplementations(control);
        worker(TaskQueues.metro("local")).registerActivitiesImplementations(new Provider());
        worker(TaskQueues.metro("other")).registerActivitiesImplementations(new Provider());
        workers.start();
    }

    /** Sessions that are started from now on continue as new after so many turns. */
    void shortRuns(int turns) {
        turnsPerRun = turns;
    }

    WorkflowClient client() {
        return client;
    }

    private Worker worker(String queue) {
        return workers.newWorker(queue);
    }

    Instant now() {
        return environment == null ? Instant.now() : Instant.ofEpochMilli(environment.currentTimeMillis());
    }

    void sleep(Duration duration) {
        Objects.requireNonNull(environment, "a real server's time cannot be skipped")
                .sleep(duration);
    }

    void spoil(String vm) {
        frozen.remove(vm);
        spoilt.add(vm);
    }

    /** Does several things that the workflow learns of in one step, because it is busy with a budget meanwhile. */
    void together(Session session, Runnable... things) throws InterruptedException {
        Gate gate = new Gate();
        onRaise = gate::pass;
        List<Thread> doing = new ArrayList<>();
        doing.add(Thread.startVirtualThread(() -> session.workflow.raiseBudget(new Money(1))));
        gate.awaitReached();
        for (Runnable thing : things) {
            doing.add(Thread.startVirtualThread(thing));
            Thread.sleep(200);
        }
        gate.open();
        for (Thread thread : doing) {
            thread.join();
        }
    }

    Session start(@Nullable TurnId first) {
        SessionId id = ulid.session();
        AgentSessionWorkflow workflow = client.newWorkflowStub(
                AgentSessionWorkflow.class,
                WorkflowOptions.newBuilder()
                        .setWorkflowId(id.value())
                        .setTaskQueue(TaskQueues.SESSIONS)
                        .setWorkflowIdConflictPolicy(WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
                        .build());
        SessionState created = SessionState.created(id, "ten_test", "inst", timeouts, now());
        SessionState state = turnsPerRun == null ? created : created.withTurnsPerRun(turnsPerRun);
        if (first == null) {
            WorkflowClient.start(workflow::run, state);
        } else {
            WorkflowClient.startUpdateWithStart(
                    workflow::submitTurn,
                    first,
                    UpdateOptions.<SessionStatus>newBuilder()
                            .setWaitForStage(WorkflowUpdateStage.ACCEPTED)
                            .build(),
                    new WithStartWorkflowOperation<>(workflow::run, state));
        }
        return new Session(id, client.newWorkflowStub(AgentSessionWorkflow.class, id.value()));
    }

    TurnId turn() {
        return ulid.turn();
    }

    /** A session under test. */
    final class Session {
        final SessionId id;
        final AgentSessionWorkflow workflow;

        Session(SessionId id, AgentSessionWorkflow workflow) {
            this.id = id;
            this.workflow = workflow;
        }

        void awaitEnd() {
            WorkflowStub.fromTyped(workflow).getResult(Void.class);
        }

        void lose(int incarnation) {
            transitions.stream()
                    .filter(transition -> transition.incarnation() == incarnation && transition.box() != null)
                    .forEach(transition -> running.remove(transition.vm().name().value()));
            workflow.sandboxLost(new SandboxLost(incarnation, "died", null, null));
        }

        /** What the newest run left. */
        WorkflowExecutionHistory history() {
            return client.fetchHistory(id.value());
        }

        /** What every run left, the newest first. */
        List<WorkflowExecutionHistory> histories() {
            List<WorkflowExecutionHistory> histories = new ArrayList<>();
            String run =
                    WorkflowStub.fromTyped(workflow).describe().getExecution().getRunId();
            while (!run.isEmpty()) {
                WorkflowExecutionHistory history = client.fetchHistory(id.value(), run);
                histories.add(history);
                run = history.getEvents()
                        .getFirst()
                        .getWorkflowExecutionStartedEventAttributes()
                        .getContinuedExecutionRunId();
            }
            return histories;
        }

        boolean isFor(String code) {
            Reason reason = workflow.status().reason();
            return reason != null && reason.code().equals(code);
        }

        /**
         * Waits until nothing is being done any more, because a session shows that it is suspended while its files are still stored. The
         * Temporal that skips time loses a deletion that meets the end of such an activity.
         */
        void awaitSuspended() {
            await(Status.SUSPENDED);
            TestingWorld.await(() -> WorkflowStub.fromTyped(workflow)
                            .describe()
                            .getRawDescription()
                            .getPendingActivitiesCount()
                    == 0);
        }

        /** How many runs the chain of this workflow has. */
        int runs() {
            return histories().size();
        }

        void cancelAsOperator() {
            WorkflowStub.fromTyped(workflow).cancel();
        }

        void await(Status... statuses) {
            for (int i = 0; i < 500; i++) {
                if (List.of(statuses).contains(workflow.status().status())) {
                    return;
                }
                pause();
            }
            throw new AssertionError("never " + List.of(statuses) + " but " + workflow.status());
        }

        List<String> path() {
            return transitions.stream()
                    .filter(transition -> transition.session().equals(id))
                    .map(transition -> transition.status().code())
                    .toList();
        }
    }

    /** Waits until so many turns were given to sandboxes. */
    void awaitTurns(int turns) {
        await(() -> List.copyOf(calls).stream()
                        .filter(call -> call.startsWith("turn "))
                        .count()
                >= turns);
    }

    static void await(BooleanSupplier condition) {
        await(condition, 1_000);
    }

    /** For what takes the workflow's own patience. */
    static void awaitLong(BooleanSupplier condition) {
        await(condition, 6_000);
    }

    private static void await(BooleanSupplier condition, int times) {
        for (int i = 0; i < times && !condition.getAsBoolean(); i++) {
            pause();
        }
        if (!condition.getAsBoolean()) {
            throw new AssertionError("never happened");
        }
    }

    static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        if (environment != null) {
            environment.close();
        } else {
            workers.shutdownNow();
            client.getWorkflowServiceStubs().shutdownNow();
        }
    }

    private final class Provider implements SandboxActivities {
        @Override
        public Provisioned provision(Transition provisioning) {
            transitions.add(provisioning);
            calls.add("provision " + provisioning.incarnation());
            RuntimeException fault = provisionFault.apply(provisioning);
            if (fault != null) {
                throw fault;
            }
            running.add(provisioning.vm().name().value());
            mostAlive = Math.max(mostAlive, running.size());
            transitions.add(provisioning.then(Status.HARDENING));
            hello(provisioning);
            return Provisioned.cold("this world has no templates");
        }

        private void hello(Transition coming) {
            RuntimeException fault = helloFault.apply(coming.incarnation());
            if (fault != null) {
                throw fault;
            }
        }

        @Override
        public void suspend(Transition suspended) {
            calls.add("suspend " + suspended.incarnation());
            RuntimeException fault = suspendFault;
            if (fault != null) {
                throw fault;
            }
            if (running.remove(suspended.vm().name().value())) {
                frozen.add(suspended.vm().name().value());
            }
            transitions.add(suspended);
        }

        @Override
        public void resume(Transition resuming, int before) {
            transitions.add(resuming);
            calls.add("resume " + before + " as " + resuming.incarnation());
            if (!frozen.remove(resuming.vm().name().value())) {
                throw ApplicationFailure.newNonRetryableFailure("gone", FailureTypes.PROVIDER_REJECTED);
            }
            running.add(resuming.vm().name().value());
            hello(resuming);
        }

        @Override
        public void destroy(Box box) {
            beforeDestroy.run();
            calls.add("destroy");
            running.remove(box.name().value());
            frozen.remove(box.name().value());
            spoilt.remove(box.name().value());
        }

        @Override
        public Sighting inspect(Box box) {
            return running.contains(box.name().value()) ? Sighting.RUNNING : Sighting.GONE;
        }
    }

    private final class Control implements ControlActivities {
        @Override
        public List<MetroView> metros() {
            return metros;
        }

        @Override
        public TurnOutcome runTurn(Transition running, TurnId turn) {
            transitions.add(running);
            calls.add("turn " + turn + " on " + running.incarnation());
            try {
                return turns.run(running.incarnation(), turn);
            } catch (Exception e) {
                throw Activity.wrap(e);
            }
        }

        @Override
        public void cancelTurn(SessionId session, TurnId turn) {
            calls.add("cancel " + turn);
            onCancel.run();
        }

        @Override
        public void endTurn(SessionId session, TurnId turn, TurnStatus status, Reason reason) {
            ended.add(turn + " " + status.code() + " " + reason.code());
        }

        @Override
        public void closeIncarnation(SessionId session, int incarnation) {
            calls.add("close " + incarnation);
        }

        @Override
        public void report(Transition transition) {
            transitions.add(transition);
        }

        @Override
        public void raiseBudget(SessionId session, Money cap) {
            calls.add("raise to " + cap);
            onRaise.run();
        }

        @Override
        public void stop(Transition terminating, TurnStatus turns, Reason reason) {
            if (outages.getAndDecrement() > 0) {
                throw ApplicationFailure.newFailure("no answer", "unavailable");
            }
            RuntimeException fault = stopFault;
            if (fault != null) {
                throw fault;
            }
            transitions.add(terminating);
            calls.add("stop");
            ended.add("all " + turns.code() + " " + reason.code());
        }

        @Override
        public void settle(Transition over) {
            transitions.add(over);
            calls.add("settle");
        }
    }
}
