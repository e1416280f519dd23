package dev.skerry.activities.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.activities.http.JsonHttp;
import dev.skerry.session.ControlActivities;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.SessionId;
import dev.skerry.session.Status;
import dev.skerry.session.Transition;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import dev.skerry.temporal.TemporalSettings;
import io.micrometer.observation.ObservationRegistry;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.TestActivityEnvironment;
import io.temporal.testing.TestEnvironmentOptions;
import java.util.List;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.SocketEffect;
import mockwebserver3.junit5.StartStop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class ControlPlaneActivitiesTest {
    private static final TurnId TURN = new TurnId("trn_01KAVX5T3M0123456789ABCDEF");
    private static final Transition RUNNING =
            new Transition(new SessionId("ses_01KAVX5T3M0123456789ABCDEF"), 3, Status.RUNNING, null, 1, null, null);

    @StartStop
    private final MockWebServer controlPlane = new MockWebServer();

    private TestActivityEnvironment environment;
    private ControlActivities activities;

    @BeforeEach
    void start() {
        environment = TestActivityEnvironment.newInstance(TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(WorkflowClientOptions.newBuilder()
                        .setDataConverter(TemporalSettings.dataConverter())
                        .build())
                .build());
        environment.registerActivitiesImplementations(new ControlPlaneActivities(
                new ControlPlane(new JsonHttp(
                        "test",
                        controlPlane.url("/internal/v1").toString(),
                        "token",
                        JsonMapper.builder().build(),
                        ObservationRegistry.NOOP)),
                List.of()));
        activities = environment.newActivityStub(ControlActivities.class);
    }

    @AfterEach
    void stop() {
        environment.close();
    }

    @Test
    void aControlPlaneThatRestartsCostsNoSandbox() throws Exception {
        controlPlane.enqueue(new MockResponse.Builder()
                .onRequestStart(new SocketEffect.CloseSocket())
                .build());
        controlPlane.enqueue(answer(503, "{\"code\":\"unavailable\"}"));
        controlPlane.enqueue(
                answer(200, "{\"state\":\"over\",\"outcome\":{\"status\":\"cancelled\",\"reason\":\"cancelled\"}}"));
        assertThat(activities.runTurn(RUNNING, TURN)).isEqualTo(new TurnOutcome(TurnStatus.CANCELLED, "cancelled"));
        assertThat(controlPlane.getRequestCount()).isEqualTo(3);
    }

    @Test
    void aRefusalIsNotRepeated() {
        controlPlane.enqueue(answer(404, "{\"code\":\"not_found\"}"));
        assertThatThrownBy(() -> activities.runTurn(RUNNING, TURN))
                .isInstanceOf(ActivityFailure.class)
                .cause()
                .isInstanceOfSatisfying(
                        ApplicationFailure.class,
                        told -> assertThat(told.getType()).isEqualTo(FailureTypes.NOT_FOUND));
        assertThat(controlPlane.getRequestCount()).isEqualTo(1);
    }

    private static MockResponse answer(int status, String body) {
        return new MockResponse.Builder().code(status).body(body).build();
    }
}
