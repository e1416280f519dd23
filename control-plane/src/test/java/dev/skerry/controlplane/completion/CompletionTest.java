package dev.skerry.controlplane.completion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import dev.skerry.store.Turns;
import io.temporal.activity.Activity;
import io.temporal.activity.ActivityInterface;
import io.temporal.activity.ActivityOptions;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.common.RetryOptions;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class CompletionTest {
    private static final String QUEUE = "completion-test";
    private static final Duration HEARTBEAT_TIMEOUT = Duration.ofSeconds(8);

    @Autowired
    World world;

    @Autowired
    Turns turns;

    @Autowired
    WorkflowClient temporal;

    private WorkerFactory workers;

    /** Asks the control plane as the real worker does: hands it the task token and leaves the activity open. */
    @ActivityInterface
    public interface Asking {
        TurnOutcome runTurn(String session, String turn);
    }

    @WorkflowInterface
    public interface TurnFlow {
        @WorkflowMethod
        TurnOutcome run(String session, String turn);
    }

    public static class TurnFlowImpl implements TurnFlow {
        @Override
        public TurnOutcome run(String session, String turn) {
            return asking().runTurn(session, turn);
        }
    }

    private static Asking asking() {
        return Workflow.newActivityStub(
                Asking.class,
                ActivityOptions.newBuilder()
                        .setScheduleToCloseTimeout(Duration.ofSeconds(60))
                        .setHeartbeatTimeout(HEARTBEAT_TIMEOUT)
                        .setRetryOptions(
                                RetryOptions.newBuilder().setMaximumAttempts(1).build())
                        .build());
    }

    @BeforeEach
    void startWorker() {
        workers = WorkerFactory.newInstance(temporal);
        Worker worker = workers.newWorker(QUEUE);
        worker.registerWorkflowImplementationTypes(TurnFlowImpl.class);
        worker.registerActivitiesImplementations(new Asking() {
            @Override
            public TurnOutcome runTurn(String session, String turn) {
                post(session, "/incarnations/1/turns/" + turn);
                return null;
            }
        });
        workers.start();
    }

    private void post(String session, String path) {
        var context = Activity.getExecutionContext();
        context.doNotCompleteOnReturn();
        String token = Base64.getEncoder().encodeToString(context.getTaskToken());
        Http.Answer answer = world.worker(session, path, World.giving(token));
        assertThat(answer.body().path("state").asString()).isEqualTo("given");
    }

    @AfterEach
    void stopWorker() {
        workers.shutdownNow();
    }

    @Test
    void completesTheActivityThatWaitsForATurn() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        TurnFlow flow = temporal.newWorkflowStub(TurnFlow.class, options("turn-" + sandbox.session()));
        WorkflowClient.start(flow::run, sandbox.session(), turn);

        assertThat(sandbox.get("/next?wait=10").body().path("turn").path("id").asString())
                .isEqualTo(turn);
        sandbox.post("/turns/" + turn + "/outcome", "{'status': 'limit', 'reason': 'budget_reached'}");

        assertThat(WorkflowStub.fromTyped(flow).getResult(TurnOutcome.class))
                .isEqualTo(new TurnOutcome(TurnStatus.LIMIT, "budget_reached"));
    }

    @Test
    void aSandboxThatFetchesItsWorkspaceKeepsTheTurnThatItHasNotAskedForYet() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        TurnFlow flow = temporal.newWorkflowStub(TurnFlow.class, options("restore-" + sandbox.session()));
        WorkflowClient.start(flow::run, sandbox.session(), turn);

        await().during(HEARTBEAT_TIMEOUT.multipliedBy(2))
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofSeconds(1))
                .until(() -> sandbox.post("/heartbeat", "{'turn': null}").text().equals("{\"directive\":null}"));
        assertThat(sandbox.get("/next?wait=10").body().path("turn").path("id").asString())
                .isEqualTo(turn);
        sandbox.post("/turns/" + turn + "/outcome", "{'status': 'completed'}");

        assertThat(WorkflowStub.fromTyped(flow).getResult(TurnOutcome.class))
                .isEqualTo(new TurnOutcome(TurnStatus.COMPLETED, null));
    }

    @Test
    void tellsTheOutcomeOnRecordWhenTheSandboxReportsAnother() throws TimeoutException {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        TurnFlow flow = temporal.newWorkflowStub(TurnFlow.class, options("other-" + sandbox.session()));
        WorkflowClient.start(flow::run, sandbox.session(), turn);
        sandbox.get("/next?wait=10");
        turns.finish(sandbox.session(), turn, "failed", null, "not_accepted", "Nobody took it.", "[]");

        assertThat(sandbox.post("/turns/" + turn + "/outcome", "{'status': 'completed'}")
                        .code())
                .isEqualTo("conflict");

        assertThat(WorkflowStub.fromTyped(flow).getResult(10, TimeUnit.SECONDS, TurnOutcome.class))
                .isEqualTo(new TurnOutcome(TurnStatus.FAILED, "not_accepted"));
    }

    @Test
    void stopsASandboxForWhoseTurnNobodyWaitsAndLeavesTheTurnToTheNext() {
        Sandbox first = world.boot(world.session(), 1);
        String turn = world.turn(first.session(), "Hi");
        TurnFlow flow = temporal.newWorkflowStub(TurnFlow.class, options("gone-" + first.session()));
        WorkflowClient.start(flow::run, first.session(), turn);
        first.get("/next?wait=10");
        WorkflowStub.fromTyped(flow).terminate("gone");

        await().atMost(Duration.ofSeconds(15))
                .untilAsserted(
                        () -> assertThat(first.get("/next?wait=0").text()).isEqualTo("{\"directive\":\"stop\"}"));
        assertThat(first.post("/heartbeat", "{'turn': '" + turn + "'}").text()).isEqualTo("{\"directive\":\"stop\"}");

        world.worker(first.session(), "/incarnations/1/close", "{}");
        Sandbox second = world.boot(first.session(), 2);
        assertThat(world.give(second, turn).body().path("state").asString()).isEqualTo("given");
        assertThat(second.get("/next?wait=0").body().path("turn").path("id").asString())
                .isEqualTo(turn);
    }

    private static WorkflowOptions options(String id) {
        return WorkflowOptions.newBuilder()
                .setTaskQueue(QUEUE)
                .setWorkflowId(id)
                .build();
    }
}
