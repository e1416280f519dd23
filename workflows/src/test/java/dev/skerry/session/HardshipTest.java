package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.activity.Activity;
import io.temporal.client.WorkflowStub;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What operators, outages, resets and bad input may do to a session, and that nothing is lost, left or stuck by it. */
@Timeout(60)
class HardshipTest {
    private static final Reason DELETED = new Reason("deleted", "Deleted by its owner.");

    private TestingWorld world;

    @BeforeEach
    void open() {
        world = new TestingWorld();
    }

    @AfterEach
    void nothingIsLeft() {
        world.close();
        assertThat(world.running).isEmpty();
        assertThat(world.frozen).isEmpty();
        assertThat(world.spoilt).isEmpty();
        assertThat(world.mostAlive).isLessThanOrEqualTo(1);
    }

    @Test
    void carriesEverythingIntoTheNextRun() {
        world.shortRuns(1);
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        List<TurnId> sent = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            sent.add(world.turn());
            session.workflow.submitTurn(sent.getLast());
        }
        TestingWorld.await(() -> turnsRun().size() == 5);
        sent.forEach(session.workflow::submitTurn);
        session.await(Status.IDLE);
        assertThat(turnsRun())
                .containsExactlyElementsOf(
                        sent.stream().map(turn -> "turn " + turn + " on 1").toList());
        assertThat(world.calls).filteredOn("provision 1"::equals).hasSize(1);
        world.sleep(TestingWorld.TIMEOUTS.idle().plusSeconds(1));
        session.awaitSuspended();
        end(session);
        assertThat(session.runs()).isGreaterThanOrEqualTo(5);
    }

    @Test
    void countsItsLifetimeFromCreationAlsoInLaterRuns() {
        world.shortRuns(1);
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.submitTurn(world.turn());
        TestingWorld.await(() -> session.runs() == 2);
        world.sleep(TestingWorld.TIMEOUTS.lifetime().plusSeconds(1));
        session.awaitEnd();
        assertThat(world.transitions.getLast().reason().code()).isEqualTo("lifetime_over");
    }

    @Test
    void refusesBadInputAndGoesOn() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        WorkflowStub operator = WorkflowStub.fromTyped(session.workflow);
        assertThatThrownBy(() -> operator.update("submitTurn", Void.class)).isInstanceOf(WorkflowUpdateException.class);
        assertThatThrownBy(() -> operator.update("submitTurn", Void.class, "no turn"))
                .isInstanceOf(WorkflowUpdateException.class);
        assertThatThrownBy(() -> operator.update("raiseBudget", Void.class, new Money(-1)))
                .isInstanceOf(WorkflowUpdateException.class);
        assertThatThrownBy(() -> operator.update("raiseBudget", Void.class))
                .isInstanceOf(WorkflowUpdateException.class);
        assertThatThrownBy(() -> operator.update("explode", Void.class)).isInstanceOf(WorkflowUpdateException.class);
        operator.signal("sandboxLost");
        operator.signal("sandboxLost", "garbage");
        operator.signal("sandboxLost", new SandboxLost(99, "a lie", null, null));
        operator.signal("unheardOf", 1);
        session.workflow.submitTurn(world.turn());
        session.await(Status.IDLE);
        assertThat(turnsRun()).hasSize(1);
        assertThat(session.workflow.status().incarnation()).isEqualTo(1);
        operator.update("terminate", SessionStatus.class);
        session.awaitEnd();
    }

    @Test
    void raisesTheBudgetThroughTheControlPlane() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.raiseBudget(new Money(2_000_000_000L));
        assertThat(world.calls).contains("raise to 2 USD");
        end(session);
    }

    @Test
    void aSessionThatStoppedForItsBudgetWakesWhenThatIsRaised() {
        world.turns = (incarnation, turn) -> new TurnOutcome(TurnStatus.LIMIT, "budget_reached");
        TestingWorld.Session session = world.start(world.turn());
        world.awaitTurns(1);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        session.workflow.raiseBudget(new Money(2));
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        session.workflow.raiseBudget(new Money(3));
        assertThat(session.workflow.status().status()).isEqualTo(Status.SUSPENDED);
        end(session);
    }

    @Test
    void asksOnceMoreBeforeItReplacesASandbox() {
        world.turns = (incarnation, turn) -> {
            if (Activity.getExecutionContext().getInfo().getAttempt() == 1) {
                throw ApplicationFailure.newFailure("It was lost on its way.", "lost");
            }
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        world.awaitTurns(2);
        session.await(Status.IDLE);
        assertThat(world.calls).containsExactly("provision 1", "turn " + turn + " on 1", "turn " + turn + " on 1");
        end(session);
    }

    @Test
    void refusesMoreTurnsThanItCanQueueAndRunsTheOthers() {
        world.turns = (incarnation, turn) -> {
            Activity.getExecutionContext().doNotCompleteOnReturn();
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TestingWorld.Session session = world.start(world.turn());
        session.await(Status.RUNNING);
        for (int i = 0; i < AgentSessionWorkflow.MOST_WAITING; i++) {
            session.workflow.submitTurn(world.turn());
        }
        assertThatThrownBy(() -> session.workflow.submitTurn(world.turn()))
                .isInstanceOf(WorkflowUpdateException.class)
                .cause()
                .isInstanceOfSatisfying(
                        ApplicationFailure.class,
                        said -> assertThat(said.getType()).isEqualTo(FailureTypes.TOO_MANY_WAITING));
        end(session);
    }

    @Test
    void endsWhenTheRecordSaysThatItIsOver() {
        world.provisionFault = request -> request.incarnation() == 1
                ? null
                : ApplicationFailure.newNonRetryableFailure("ended", FailureTypes.SESSION_ENDED);
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.lose(1);
        session.awaitSuspended();
        session.workflow.submitTurn(world.turn());
        session.awaitEnd();
        assertThat(world.transitions.getLast().status()).isEqualTo(Status.TERMINATED);
        assertThat(world.transitions.getLast().reason().code()).isEqualTo("session_ended");
    }

    @Test
    void passesOverIncarnationsThatExistAlready() {
        world.provisionFault = request -> request.incarnation() <= 5
                ? ApplicationFailure.newNonRetryableFailure("a newer one exists", FailureTypes.SUPERSEDED)
                : null;
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        assertThat(session.workflow.status().incarnation()).isEqualTo(6);
        end(session);
    }

    @Test
    void numbersItsTransitionsByTheClock() {
        long before = world.now().toEpochMilli();
        TestingWorld.Session session = world.start(world.turn());
        session.await(Status.IDLE);
        end(session);
        List<Long> numbers = world.transitions.stream().map(Transition::number).toList();
        assertThat(numbers).isSorted().doesNotHaveDuplicates();
        assertThat(numbers.getFirst()).isGreaterThanOrEqualTo(before);
    }

    @Test
    void waitsForRoomAndGoesOnWhenThereIsSome() {
        AtomicInteger refusals = new AtomicInteger();
        world.provisionFault = request -> refusals.incrementAndGet() <= 4
                ? ApplicationFailure.newNonRetryableFailure("Full.", FailureTypes.METRO_UNAVAILABLE)
                : null;
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        world.sleep(Duration.ofMinutes(5));
        session.await(Status.IDLE);
        assertThat(turnsRun()).containsExactly("turn " + turn + " on 5");
        end(session);
    }

    @Test
    void failsWhenNoMetroEverHasRoom() {
        world.provisionFault =
                request -> ApplicationFailure.newNonRetryableFailure("Full.", FailureTypes.METRO_UNAVAILABLE);
        TestingWorld.Session session = world.start(world.turn());
        world.sleep(Duration.ofMinutes(30));
        session.awaitEnd();
        assertThat(world.transitions.getLast().status()).isEqualTo(Status.FAILED);
        assertThat(world.transitions.getLast().reason().code()).isEqualTo("no_capacity");
    }

    @Test
    void aSessionWithAPastStaysResumableWhenNoMetroHasRoom() {
        List<Integer> full = Collections.synchronizedList(new ArrayList<>());
        world.provisionFault = request -> {
            if (request.incarnation() == 1 || full.size() > 60) {
                return null;
            }
            full.add(request.incarnation());
            return ApplicationFailure.newNonRetryableFailure("Full.", FailureTypes.METRO_UNAVAILABLE);
        };
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.lose(1);
        session.awaitSuspended();
        TurnId turn = world.turn();
        session.workflow.submitTurn(turn);
        world.sleep(Duration.ofMinutes(20));
        TestingWorld.await(() -> world.ended.contains(turn + " failed no_capacity"));
        session.awaitSuspended();
        assertThat(session.workflow.status().reason().code()).isEqualTo("no_capacity");
        world.provisionFault = request -> null;
        session.workflow.submitTurn(world.turn());
        session.await(Status.IDLE);
        end(session);
    }

    @Test
    void dropsATurnThatNobodyKnows() {
        world.turns = (incarnation, turn) -> {
            throw ApplicationFailure.newNonRetryableFailure("no such turn", FailureTypes.NOT_FOUND);
        };
        TestingWorld.Session session = world.start(world.turn());
        session.await(Status.IDLE);
        assertThat(session.workflow.status().incarnation()).isEqualTo(1);
        end(session);
    }

    @Test
    void aResumeAskedForTooEarlyDoesNotWakeItLater() {
        world.provisionFault = request -> {
            TestingWorld.pause();
            return null;
        };
        TestingWorld.Session session = world.start(null);
        session.workflow.resume();
        session.await(Status.IDLE);
        session.workflow.resume();
        world.sleep(TestingWorld.TIMEOUTS.idle().plusSeconds(1));
        session.awaitSuspended();
        world.sleep(Duration.ofMinutes(1));
        assertThat(session.workflow.status().status()).isEqualTo(Status.SUSPENDED);
        end(session);
    }

    @Test
    void takesEverythingDownAlsoWhenTheControlPlaneRefuses() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.stopFault = ApplicationFailure.newNonRetryableFailure("no such session", FailureTypes.NOT_FOUND);
        end(session);
        assertThat(world.calls).contains("destroy");
    }

    @Test
    void asksAControlPlaneThatIsAwayUntilItAnswers() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.outages.set(2);
        end(session);
        assertThat(world.calls).containsOnlyOnce("stop");
        assertThat(world.outages).hasNegativeValue();
    }

    @Test
    void deletedWithoutAnUpdateEndsWithTheReason() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        WorkflowStub.fromTyped(session.workflow).cancel(AgentSessionWorkflow.DELETED_BY_OWNER);
        assertThatThrownBy(session::awaitEnd).hasCauseInstanceOf(CanceledFailure.class);
        assertThat(world.transitions.getLast().reason().code()).isEqualTo("deleted");
    }

    @Test
    void deletingTwiceAtOnceIsDeletingOnce() throws Exception {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        List<SessionStatus> answers = new CopyOnWriteArrayList<>();
        Runnable delete = () -> answers.add(session.workflow.terminate(DELETED));
        world.together(session, delete, delete);
        session.awaitEnd();
        assertThat(answers).hasSize(2);
        assertThat(world.calls).filteredOn("destroy"::equals).hasSize(1);
        assertThat(world.calls).filteredOn("settle"::equals).hasSize(1);
    }

    @Test
    void aTurnThatIsCancelledWhileItWaitsForRoomIsOverAtOnce() {
        world.provisionFault = request -> request.incarnation() == 1
                ? null
                : ApplicationFailure.newNonRetryableFailure("Full.", FailureTypes.METRO_UNAVAILABLE);
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.lose(1);
        session.awaitSuspended();
        TurnId turn = world.turn();
        session.workflow.submitTurn(turn);
        TestingWorld.await(() -> session.isFor("no_capacity"));
        session.workflow.cancelTurn();
        TestingWorld.await(() -> world.ended.contains(turn + " cancelled cancelled"));
        session.awaitSuspended();
        world.provisionFault = request -> null;
        session.workflow.submitTurn(world.turn());
        session.await(Status.IDLE);
        end(session);
    }

    @Test
    void aSuspensionAskedForWithAMessageComesAfterIt() throws InterruptedException {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.together(session, () -> session.workflow.submitTurn(world.turn()), session.workflow::suspend);
        session.awaitSuspended();
        assertThat(turnsRun()).hasSize(1);
        assertThat(session.isFor("asked")).isTrue();
        end(session);
    }

    @Test
    void aVmLeftBehindIsDestroyedBesideTheSessionAlsoAcrossRuns() {
        AtomicBoolean away = new AtomicBoolean(true);
        world.shortRuns(1);
        world.beforeDestroy = () -> {
            if (away.get()) {
                throw ApplicationFailure.newFailure("no answer", "provider_unknown");
            }
        };
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        world.frozen.stream().findFirst().ifPresent(world::spoil);
        session.workflow.submitTurn(world.turn());
        world.sleep(Duration.ofMinutes(1));
        TestingWorld.await(() -> turnsRun().size() == 1);
        TestingWorld.await(() -> session.runs() == 2);
        session.workflow.submitTurn(world.turn());
        TestingWorld.await(() -> turnsRun().size() == 2);
        assertThat(world.spoilt)
                .as("still there while the metro does not answer")
                .hasSize(1);
        away.set(false);
        world.sleep(Duration.ofMinutes(1));
        TestingWorld.await(world.spoilt::isEmpty);
        end(session);
    }

    @Test
    void theEndWaitsForAMetroThatRefuses() {
        AtomicInteger refusals = new AtomicInteger(3);
        world.beforeDestroy = () -> {
            if (refusals.getAndDecrement() > 0) {
                throw ApplicationFailure.newFailure("unauthorised", FailureTypes.PROVIDER_REJECTED);
            }
        };
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        end(session);
        assertThat(world.running).isEmpty();
        assertThat(world.calls).filteredOn("destroy"::equals).hasSize(1);
    }

    @Test
    void aTurnWhoseSandboxDiesWhileItIsCancelledIsCancelled() {
        CompletableFuture<Void> told = new CompletableFuture<>();
        world.onCancel = () -> told.complete(null);
        world.turns = (incarnation, turn) -> {
            told.join();
            throw ApplicationFailure.newNonRetryableFailure("silent", FailureTypes.SANDBOX_LOST);
        };
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        world.awaitTurns(1);
        session.workflow.cancelTurn();
        TestingWorld.await(() -> world.ended.contains(turn + " cancelled cancelled"));
        session.awaitSuspended();
        assertThat(turnsRun()).hasSize(1);
        end(session);
    }

    @Test
    void aResumeAskedForWhileTheVmOfALongSuspendedSessionIsDestroyedBootsANewOne() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        AtomicBoolean once = new AtomicBoolean(true);
        world.beforeDestroy = () -> {
            if (once.getAndSet(false)) {
                session.workflow.resume();
            }
        };
        world.sleep(TestingWorld.TIMEOUTS.suspended().plusSeconds(1));
        session.await(Status.IDLE);
        assertThat(session.workflow.status().incarnation()).isEqualTo(2);
        end(session);
    }

    @Test
    void aLossThatWasHeardOfBeforeTheHelloIsOfAnEarlierAttempt() {
        List<TestingWorld.Session> sessions = new CopyOnWriteArrayList<>();
        Gate known = new Gate();
        world.provisionFault = request -> {
            known.pass();
            sessions.getFirst().workflow.sandboxLost(new SandboxLost(request.incarnation(), "died", null, null));
            return null;
        };
        sessions.add(world.start(null));
        known.open();
        TestingWorld.Session session = sessions.getFirst();
        session.await(Status.IDLE);
        session.workflow.submitTurn(world.turn());
        world.awaitTurns(1);
        session.await(Status.IDLE);
        assertThat(session.workflow.status().incarnation()).isEqualTo(1);
        end(session);
    }

    @Test
    void saysWhenItIsSuspendedAndWhenItsVmGoes() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        SessionStatus idle = session.workflow.status();
        assertThat(idle.suspendsAt()).isBetween(world.now(), world.now().plus(TestingWorld.TIMEOUTS.idle()));
        assertThat(idle.vmEndsAt()).isNull();
        session.workflow.suspend();
        session.awaitSuspended();
        TestingWorld.await(() -> session.workflow.status().vmEndsAt() != null);
        assertThat(session.workflow.status().suspendsAt()).isNull();
        assertThat(session.workflow.status().vmEndsAt())
                .isBetween(world.now(), world.now().plus(TestingWorld.TIMEOUTS.suspended()));
        end(session);
    }

    private void end(TestingWorld.Session session) {
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    private List<String> turnsRun() {
        return world.calls.stream().filter(call -> call.startsWith("turn")).toList();
    }
}
