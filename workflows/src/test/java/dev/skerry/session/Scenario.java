package dev.skerry.session;

import io.temporal.activity.Activity;
import io.temporal.activity.ActivityExecutionContext;
import io.temporal.client.WorkflowFailedException;
import io.temporal.failure.ApplicationFailure;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A path that a session's life may take, played on a real Temporal server. The golden histories are recordings of these; a change of
 * the workflow that alters a path gets a new version of its recording, the old one stays.
 *
 * @param timeouts short ones, because a real server's clock cannot be skipped
 */
record Scenario(String name, Timeouts timeouts, Play play) {
    private static final Reason DELETED = new Reason("deleted", "Deleted by its owner.");
    private static final Timeouts PATIENT =
            new Timeouts(Duration.ofMinutes(5), Duration.ofDays(7), Duration.ofDays(30));
    private static final Timeouts HASTY =
            new Timeouts(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofDays(30));
    private static final Timeouts SHORT_LIVED =
            new Timeouts(Duration.ofMinutes(5), Duration.ofDays(7), Duration.ofSeconds(2));

    private static final Set<String> SLOW = Set.of("sandbox-silent-in-a-turn", "turn-cancelled-disobeyed");

    interface Play {
        /** Answers the session when its workflow is closed. */
        TestingWorld.Session in(TestingWorld world) throws Exception;
    }

    @Override
    public String toString() {
        return name;
    }

    /** Without those that take half a minute of silence, or ten seconds of disobedience: they are played to be recorded. */
    static List<Scenario> quick() {
        return all().stream()
                .filter(scenario -> !SLOW.contains(scenario.name()))
                .toList();
    }

    static List<Scenario> all() {
        return List.of(
                new Scenario("one-turn", PATIENT, Scenario::oneTurn),
                new Scenario("three-turns", PATIENT, Scenario::threeTurns),
                new Scenario("asked-to-suspend-and-resume", PATIENT, Scenario::askedToSuspendAndResume),
                new Scenario("message-wakes-suspended", PATIENT, Scenario::messageWakesSuspended),
                new Scenario("message-and-suspend-at-once", PATIENT, Scenario::messageAndSuspendAtOnce),
                new Scenario("resumed-while-its-vm-is-destroyed", HASTY, Scenario::resumedWhileItsVmIsDestroyed),
                new Scenario("idle-then-destroyed-then-cold-resume", HASTY, Scenario::coldResume),
                new Scenario("sandbox-lost-in-a-turn", PATIENT, Scenario::sandboxLost),
                new Scenario("sandbox-lost-too-often", PATIENT, Scenario::sandboxLostTooOften),
                new Scenario("sandbox-lost-while-idle", PATIENT, Scenario::sandboxLostWhileIdle),
                new Scenario("sandbox-silent-in-a-turn", PATIENT, Scenario::sandboxSilent),
                new Scenario("turn-cancelled-obeyed", PATIENT, Scenario::turnCancelled),
                new Scenario("turn-cancelled-disobeyed", PATIENT, Scenario::turnCancelledInVain),
                new Scenario("turn-cancelled-and-lost", PATIENT, Scenario::turnCancelledAndLost),
                new Scenario("cancelled-while-waiting-for-room", PATIENT, Scenario::cancelledWithoutRoom),
                new Scenario("waited-for-room", PATIENT, Scenario::waitedForRoom),
                new Scenario("suspend-failed", PATIENT, Scenario::suspendFailed),
                new Scenario("vm-left-behind", PATIENT, Scenario::vmLeftBehind),
                new Scenario("deleted-while-provisioning", PATIENT, Scenario::deletedWhileProvisioning),
                new Scenario("deleted-while-resuming", PATIENT, Scenario::deletedWhileResuming),
                new Scenario("deleted-while-running", PATIENT, Scenario::deletedWhileRunning),
                new Scenario("resume-failed", PATIENT, Scenario::resumeFailed),
                new Scenario("continue-as-new", PATIENT, Scenario::continueAsNew),
                new Scenario("continue-as-new-while-suspended", PATIENT, Scenario::continueAsNewWhileSuspended),
                new Scenario("cancelled-by-operator", PATIENT, Scenario::cancelledByOperator),
                new Scenario("probe-failed", PATIENT, Scenario::probeFailed),
                new Scenario("no-hello-then-next", PATIENT, Scenario::noHelloThenNext),
                new Scenario("stale-news-before-hello", PATIENT, Scenario::staleNewsBeforeHello),
                new Scenario("lost-right-after-its-hello", PATIENT, Scenario::lostRightAfterItsHello),
                new Scenario("rejected", PATIENT, Scenario::rejected),
                new Scenario("other-metro", PATIENT, Scenario::otherMetro),
                new Scenario("budget-raised", PATIENT, Scenario::budgetRaised),
                new Scenario("lifetime-over", SHORT_LIVED, Scenario::lifetimeOver));
    }

    private static TestingWorld.Session oneTurn(TestingWorld world) {
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session threeTurns(TestingWorld world) {
        TestingWorld.Session session = world.start(world.turn());
        for (int turn = 1; turn < 3; turn++) {
            world.awaitTurns(turn);
            session.await(Status.IDLE);
            session.workflow.submitTurn(world.turn());
        }
        world.awaitTurns(3);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session askedToSuspendAndResume(TestingWorld world) {
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        session.workflow.resume();
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session messageWakesSuspended(TestingWorld world) {
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        session.workflow.submitTurn(world.turn());
        world.awaitTurns(2);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session messageAndSuspendAtOnce(TestingWorld world) throws Exception {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.together(session, () -> session.workflow.submitTurn(world.turn()), () -> session.workflow.suspend());
        session.awaitSuspended();
        return ended(session);
    }

    private static TestingWorld.Session resumedWhileItsVmIsDestroyed(TestingWorld world) throws Exception {
        Gate gate = new Gate();
        world.beforeDestroy = gate::pass;
        TestingWorld.Session session = world.start(null);
        gate.awaitReached();
        session.workflow.resume();
        gate.open();
        TestingWorld.await(() -> world.calls.contains("provision 2"));
        return ended(session);
    }

    private static TestingWorld.Session coldResume(TestingWorld world) {
        TestingWorld.Session session = world.start(null);
        TestingWorld.await(() -> session.path().contains("suspended"));
        TestingWorld.await(() -> world.calls.contains("destroy"));
        session.workflow.submitTurn(world.turn());
        world.awaitTurns(1);
        return ended(session);
    }

    private static TestingWorld.Session sandboxLost(TestingWorld world) {
        world.turns = (incarnation, turn) -> {
            if (incarnation == 1) {
                throw ApplicationFailure.newNonRetryableFailure("silent", FailureTypes.SANDBOX_LOST);
            }
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(2);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session sandboxLostTooOften(TestingWorld world) {
        world.turns = (incarnation, turn) -> {
            throw ApplicationFailure.newNonRetryableFailure("silent", FailureTypes.SANDBOX_LOST);
        };
        TestingWorld.Session session = world.start(world.turn());
        TestingWorld.await(() -> !world.ended.isEmpty());
        session.awaitSuspended();
        return ended(session);
    }

    private static TestingWorld.Session sandboxLostWhileIdle(TestingWorld world) {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.lose(1);
        session.awaitSuspended();
        session.workflow.submitTurn(world.turn());
        world.awaitTurns(1);
        return ended(session);
    }

    private static TestingWorld.Session turnCancelled(TestingWorld world) throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        world.onCancel = told::countDown;
        world.turns = (incarnation, turn) -> {
            told.await(20, TimeUnit.SECONDS);
            return new TurnOutcome(TurnStatus.CANCELLED, "cancelled");
        };
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.workflow.cancelTurn();
        session.await(Status.IDLE);
        return ended(session);
    }

    /** The dead-sandbox detector: nobody says anything for thirty seconds. */
    private static TestingWorld.Session sandboxSilent(TestingWorld world) {
        world.turns = (incarnation, turn) -> {
            ActivityExecutionContext context = Activity.getExecutionContext();
            if (context.getInfo().getAttempt() > 1) {
                throw ApplicationFailure.newNonRetryableFailure("sandbox_silent", FailureTypes.SANDBOX_LOST);
            }
            if (incarnation == 1) {
                context.doNotCompleteOnReturn();
            }
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        TestingWorld.awaitLong(() -> world.calls.contains("provision 2"));
        world.awaitTurns(3);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session turnCancelledInVain(TestingWorld world) {
        world.turns = (incarnation, turn) -> {
            Activity.getExecutionContext().doNotCompleteOnReturn();
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.workflow.cancelTurn();
        TestingWorld.awaitLong(() -> !world.ended.isEmpty());
        session.awaitSuspended();
        return ended(session);
    }

    private static TestingWorld.Session turnCancelledAndLost(TestingWorld world) {
        CountDownLatch told = new CountDownLatch(1);
        world.onCancel = told::countDown;
        world.turns = (incarnation, turn) -> {
            told.await(20, TimeUnit.SECONDS);
            throw ApplicationFailure.newNonRetryableFailure("died", FailureTypes.SANDBOX_LOST);
        };
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.workflow.cancelTurn();
        TestingWorld.await(() -> !world.ended.isEmpty());
        session.awaitSuspended();
        return ended(session);
    }

    private static TestingWorld.Session cancelledWithoutRoom(TestingWorld world) {
        world.provisionFault = request -> request.incarnation() == 1 ? null : full();
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.lose(1);
        session.awaitSuspended();
        session.workflow.submitTurn(world.turn());
        TestingWorld.await(() -> session.isFor("no_capacity"));
        session.workflow.cancelTurn();
        TestingWorld.await(() -> !world.ended.isEmpty());
        session.awaitSuspended();
        return ended(session);
    }

    private static TestingWorld.Session waitedForRoom(TestingWorld world) {
        world.provisionFault = request -> request.incarnation() == 1 ? full() : null;
        TestingWorld.Session session = world.start(world.turn());
        TestingWorld.awaitLong(() -> world.calls.contains("provision 2"));
        world.awaitTurns(1);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static ApplicationFailure full() {
        return ApplicationFailure.newFailure("Full.", FailureTypes.METRO_UNAVAILABLE);
    }

    private static TestingWorld.Session suspendFailed(TestingWorld world) {
        world.suspendFault = ApplicationFailure.newFailure("cannot", FailureTypes.PROVIDER_REJECTED);
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        TestingWorld.await(() -> world.calls.contains("destroy"));
        session.awaitSuspended();
        return ended(session);
    }

    private static TestingWorld.Session vmLeftBehind(TestingWorld world) {
        AtomicInteger refusals = new AtomicInteger(1);
        world.beforeDestroy = () -> {
            if (refusals.getAndDecrement() > 0) {
                throw ApplicationFailure.newFailure("unauthorised", FailureTypes.PROVIDER_REJECTED);
            }
        };
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.lose(1);
        session.awaitSuspended();
        TestingWorld.await(() -> world.calls.contains("destroy"));
        return ended(session);
    }

    private static TestingWorld.Session deletedWhileProvisioning(TestingWorld world) throws Exception {
        Gate gate = new Gate();
        world.provisionFault = request -> {
            gate.pass();
            return null;
        };
        TestingWorld.Session session = world.start(world.turn());
        gate.awaitReached();
        session.workflow.terminate(DELETED);
        gate.open();
        session.awaitEnd();
        return session;
    }

    private static TestingWorld.Session deletedWhileResuming(TestingWorld world) throws Exception {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        Gate gate = new Gate();
        world.helloFault = incarnation -> {
            gate.pass();
            return null;
        };
        session.workflow.submitTurn(world.turn());
        gate.awaitReached();
        session.workflow.terminate(DELETED);
        gate.open();
        session.awaitEnd();
        return session;
    }

    private static TestingWorld.Session deletedWhileRunning(TestingWorld world) {
        world.turns = (incarnation, turn) -> {
            Activity.getExecutionContext().doNotCompleteOnReturn();
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        return ended(session);
    }

    private static TestingWorld.Session resumeFailed(TestingWorld world) {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        world.frozen.clear();
        session.workflow.submitTurn(world.turn());
        world.awaitTurns(1);
        return ended(session);
    }

    private static TestingWorld.Session continueAsNew(TestingWorld world) {
        world.shortRuns(1);
        TestingWorld.Session session = world.start(world.turn());
        TestingWorld.await(() -> session.runs() == 2);
        session.await(Status.IDLE);
        return ended(session);
    }

    /** A turn that is cancelled before its sandbox wakes ends the run of a session that stays suspended. */
    private static TestingWorld.Session continueAsNewWhileSuspended(TestingWorld world) throws Exception {
        world.shortRuns(1);
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        world.together(session, () -> session.workflow.submitTurn(world.turn()), () -> session.workflow.cancelTurn());
        TestingWorld.await(() -> session.runs() == 2);
        session.workflow.submitTurn(world.turn());
        world.awaitTurns(1);
        TestingWorld.await(() -> session.runs() == 3);
        return ended(session);
    }

    private static TestingWorld.Session cancelledByOperator(TestingWorld world) {
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.await(Status.IDLE);
        session.cancelAsOperator();
        try {
            session.awaitEnd();
            throw new AssertionError("the workflow did not end as cancelled");
        } catch (WorkflowFailedException expected) {
            return session;
        }
    }

    private static TestingWorld.Session probeFailed(TestingWorld world) {
        world.helloFault = incarnation ->
                ApplicationFailure.newNonRetryableFailure("Probe S01 failed.", FailureTypes.PROBE_FAILED);
        TestingWorld.Session session = world.start(world.turn());
        session.awaitEnd();
        return session;
    }

    private static TestingWorld.Session noHelloThenNext(TestingWorld world) {
        world.helloFault = incarnation ->
                incarnation == 1 ? ApplicationFailure.newNonRetryableFailure("No hello.", FailureTypes.NO_HELLO) : null;
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session staleNewsBeforeHello(TestingWorld world) throws Exception {
        Gate gate = new Gate();
        world.provisionFault = request -> {
            gate.pass();
            return null;
        };
        TestingWorld.Session session = world.start(world.turn());
        gate.awaitReached();
        session.workflow.sandboxLost(new SandboxLost(1, "died", null, null));
        gate.open();
        world.awaitTurns(1);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session lostRightAfterItsHello(TestingWorld world) throws Exception {
        Gate gate = new Gate();
        world.helloFault = incarnation -> {
            gate.pass();
            return null;
        };
        TestingWorld.Session session = world.start(null);
        gate.awaitReached();
        session.lose(1);
        gate.open();
        session.awaitSuspended();
        return ended(session);
    }

    private static TestingWorld.Session rejected(TestingWorld world) {
        world.provisionFault =
                request -> ApplicationFailure.newNonRetryableFailure("No such image.", FailureTypes.PROVIDER_REJECTED);
        TestingWorld.Session session = world.start(world.turn());
        session.awaitEnd();
        return session;
    }

    private static TestingWorld.Session otherMetro(TestingWorld world) {
        world.metros = List.of(
                new ControlActivities.MetroView("local", "testing", true, 1, null),
                new ControlActivities.MetroView("other", "testing", true, 1, null));
        world.provisionFault = request -> request.incarnation() == 1
                ? ApplicationFailure.newNonRetryableFailure("Full.", FailureTypes.METRO_UNAVAILABLE)
                : null;
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        return ended(session);
    }

    private static TestingWorld.Session budgetRaised(TestingWorld world) {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.raiseBudget(new Money(2_000_000_000L));
        return ended(session);
    }

    private static TestingWorld.Session lifetimeOver(TestingWorld world) {
        TestingWorld.Session session = world.start(world.turn());
        session.awaitEnd();
        return session;
    }

    /** Asked again where something else happened in the very step that was to end it. */
    private static TestingWorld.Session ended(TestingWorld.Session session) {
        ModelSlot.insist(() -> session.workflow.terminate(DELETED));
        session.awaitEnd();
        return session;
    }
}
