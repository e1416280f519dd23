package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.activity.Activity;
import io.temporal.api.sdk.v1.WorkflowMetadata;
import io.temporal.client.WorkflowStub;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class AgentSessionWorkflowTest {
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
        assertThat(world.mostAlive).isLessThanOrEqualTo(1);
    }

    @Test
    void runsItsFirstTurnAndEndsWhenAsked() {
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        session.await(Status.IDLE);
        session.workflow.terminate(DELETED);
        session.awaitEnd();
        assertThat(session.path()).containsExactly("provisioning", "hardening", "running", "terminating", "terminated");
        assertThat(world.calls).containsExactly("provision 1", "turn " + turn + " on 1", "stop", "destroy", "settle");
    }

    @Test
    void acceptsTurnsBeforeAVmExistsAndRunsThemInOrderOnce() throws Exception {
        Gate created = new Gate();
        world.provisionFault = request -> {
            created.pass();
            return null;
        };
        TurnId first = world.turn();
        TurnId second = world.turn();
        TestingWorld.Session session = world.start(first);
        session.workflow.submitTurn(second);
        session.workflow.submitTurn(first);
        session.workflow.submitTurn(second);
        created.open();
        session.await(Status.IDLE);
        session.workflow.terminate(DELETED);
        session.awaitEnd();
        assertThat(world.calls)
                .filteredOn(call -> call.startsWith("turn"))
                .containsExactly("turn " + first + " on 1", "turn " + second + " on 1");
    }

    @Test
    void suspendsAfterIdleTimeoutAndWakesForTheNextTurn() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.sleep(TestingWorld.TIMEOUTS.idle().plusSeconds(1));
        session.awaitSuspended();
        assertThat(session.workflow.status().reason().code()).isEqualTo("idle_timeout");
        assertThat(world.frozen).hasSize(1);
        TurnId turn = world.turn();
        session.workflow.submitTurn(turn);
        session.await(Status.IDLE);
        assertThat(world.calls).containsExactly("provision 1", "suspend 1", "resume 1 as 2", "turn " + turn + " on 2");
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void anIdleTimeoutCountsFromTheEndOfTheLastTurn() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.sleep(Duration.ofMinutes(4));
        session.workflow.submitTurn(world.turn());
        session.await(Status.IDLE);
        world.sleep(Duration.ofMinutes(4));
        assertThat(session.workflow.status().status()).isEqualTo(Status.IDLE);
        world.sleep(Duration.ofMinutes(2));
        session.awaitSuspended();
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void destroysTheVmOfALongSuspendedSessionAndBootsAnewForTheNextTurn() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.sleep(TestingWorld.TIMEOUTS.idle().plusSeconds(1));
        session.awaitSuspended();
        world.sleep(TestingWorld.TIMEOUTS.suspended().plusSeconds(1));
        assertThat(world.frozen).isEmpty();
        TurnId turn = world.turn();
        session.workflow.submitTurn(turn);
        session.await(Status.IDLE);
        assertThat(world.calls).endsWith("provision 2", "turn " + turn + " on 2");
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void tellsWhoeverLooksAtItInTemporalWhatItIsAndWaitsFor() {
        TestingWorld.Session session = world.start(world.turn());
        session.await(Status.IDLE);
        WorkflowMetadata told =
                WorkflowStub.fromTyped(session.workflow).query("__temporal_workflow_metadata", WorkflowMetadata.class);
        assertThat(told.getCurrentDetails())
                .startsWith("**idle**")
                .contains(
                        "- incarnation 1",
                        "in metro `local`",
                        "- 0 turns waiting",
                        "- is suspended without a message until 20");
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void replacesALostSandboxAndGoesOnWithTheSameTurn() {
        world.turns = (incarnation, turn) -> {
            if (incarnation == 1) {
                throw ApplicationFailure.newNonRetryableFailure("silent", FailureTypes.SANDBOX_LOST);
            }
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        session.await(Status.IDLE);
        assertThat(world.calls)
                .containsExactly(
                        "provision 1",
                        "turn " + turn + " on 1",
                        "close 1",
                        "destroy",
                        "provision 2",
                        "turn " + turn + " on 2");
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void replacesASandboxAsSoonAsItsEndIsKnownAndSaysHow() throws Exception {
        Gate gate = new Gate();
        world.turns = (incarnation, turn) -> {
            if (incarnation == 1) {
                gate.pass();
            }
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TestingWorld.Session session = world.start(world.turn());
        gate.awaitReached();
        SandboxName vm = session.workflow.status().box().name();
        session.workflow.sandboxLost(
                new SandboxLost(0, "killed", new SandboxName("another"), "was killed by somebody else"));
        session.workflow.sandboxLost(new SandboxLost(0, "out_of_memory", vm, "ran out of memory"));
        session.await(Status.IDLE);
        gate.open();
        assertThat(world.transitions)
                .filteredOn(transition -> transition.status() == Status.PROVISIONING && transition.reason() != null)
                .extracting(transition -> transition.reason().message())
                .containsExactly("The sandbox ran out of memory; the turn goes on in a new one.");
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void givesATurnUpAfterThreeReplacements() {
        world.turns = (incarnation, turn) -> {
            throw ApplicationFailure.newNonRetryableFailure("silent", FailureTypes.SANDBOX_LOST);
        };
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        await(() -> !world.ended.isEmpty());
        assertThat(world.ended).containsExactly(turn + " failed sandbox_lost");
        session.awaitSuspended();
        assertThat(world.calls).filteredOn(call -> call.startsWith("turn")).hasSize(4);
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void terminatingWhileTheVmIsBeingCreatedLeavesNone() throws Exception {
        Gate gate = new Gate();
        world.provisionFault = request -> {
            gate.pass();
            return null;
        };
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        gate.awaitReached();
        session.workflow.terminate(DELETED);
        session.workflow.terminate(DELETED);
        gate.open();
        session.awaitEnd();
        assertThat(world.calls).containsExactly("provision 1", "stop", "destroy", "settle");
        assertThat(world.ended).containsExactly("all cancelled session_ended");
        assertThat(session.path()).endsWith("terminating", "terminated");
    }

    @Test
    void terminatesWhileSuspended() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        session.workflow.terminate(DELETED);
        session.awaitEnd();
        assertThat(world.calls).endsWith("stop", "destroy", "settle");
    }

    @Test
    void terminatesWhileATurnRuns() {
        world.turns = (incarnation, turn) -> {
            Activity.getExecutionContext().doNotCompleteOnReturn();
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        session.await(Status.RUNNING);
        session.workflow.terminate(DELETED);
        session.awaitEnd();
        assertThat(world.ended).containsExactly("all cancelled session_ended");
    }

    @Test
    void resumesWithoutATurnWhenAsked() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        session.workflow.resume();
        session.await(Status.IDLE);
        assertThat(session.workflow.status().incarnation()).isEqualTo(2);
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void bootsAnewWhenTheSuspendedVmIsGone() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.workflow.suspend();
        session.awaitSuspended();
        world.frozen.clear();
        session.workflow.submitTurn(world.turn());
        session.await(Status.IDLE);
        assertThat(session.workflow.status().incarnation()).isEqualTo(3);
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void aDisobedientSandboxIsDestroyedAfterCancel() {
        world.turns = (incarnation, turn) -> {
            Activity.getExecutionContext().doNotCompleteOnReturn();
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        session.await(Status.RUNNING);
        session.workflow.cancelTurn();
        world.sleep(Duration.ofSeconds(11));
        await(() -> world.ended.contains(turn + " cancelled cancelled"));
        assertThat(world.calls).contains("cancel " + turn, "destroy");
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void fallsOverToAnotherMetro() {
        world.metros = List.of(
                new ControlActivities.MetroView("local", "testing", true, 1, null),
                new ControlActivities.MetroView("other", "testing", true, 1, null));
        world.provisionFault = request -> request.incarnation() == 1
                ? ApplicationFailure.newNonRetryableFailure("Full.", FailureTypes.METRO_UNAVAILABLE)
                : null;
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        assertThat(session.path()).containsExactly("provisioning", "provisioning", "hardening");
        assertThat(world.transitions.get(0).box().metro())
                .isNotEqualTo(world.transitions.get(1).box().metro());
        session.workflow.terminate(DELETED);
        session.awaitEnd();
    }

    @Test
    void aFailedProbeEndsTheSession() {
        world.helloFault = incarnation ->
                ApplicationFailure.newNonRetryableFailure("Probe S01 failed.", FailureTypes.PROBE_FAILED);
        TurnId turn = world.turn();
        TestingWorld.Session session = world.start(turn);
        session.awaitEnd();
        assertThat(session.path()).endsWith("terminating", "failed");
        assertThat(world.ended).containsExactly("all failed probe_failed");
    }

    @Test
    void endsWhenItsLifetimeIsOver() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.sleep(TestingWorld.TIMEOUTS.lifetime().plusSeconds(1));
        session.awaitEnd();
        assertThat(world.transitions.getLast().reason().code()).isEqualTo("lifetime_over");
    }

    @Test
    void anOperatorsCancelTakesEverythingDown() {
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        session.cancelAsOperator();
        assertThatThrownBy(session::awaitEnd).hasCauseInstanceOf(CanceledFailure.class);
        assertThat(session.path()).endsWith("terminating", "terminated");
    }

    @Test
    void refusesTurnsWhileEnding() throws Exception {
        Gate destroyed = new Gate();
        world.turns = (incarnation, turn) -> {
            Activity.getExecutionContext().doNotCompleteOnReturn();
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        };
        TestingWorld.Session session = world.start(null);
        session.await(Status.IDLE);
        world.beforeDestroy = destroyed::pass;
        session.workflow.terminate(DELETED);
        assertThatThrownBy(() -> session.workflow.submitTurn(world.turn())).isInstanceOf(WorkflowUpdateException.class);
        destroyed.open();
        session.awaitEnd();
    }

    private static void await(java.util.function.BooleanSupplier condition) {
        for (int i = 0; i < 500 && !condition.getAsBoolean(); i++) {
            TestingWorld.pause();
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }
}
