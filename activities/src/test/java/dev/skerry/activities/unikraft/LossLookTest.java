package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.provider.AwakeSessions;
import dev.skerry.activities.provider.LossLook;
import dev.skerry.activities.provider.Metro;
import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.activities.provider.SandboxProvider.Page;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.metro.DriverSettings;
import dev.skerry.metro.FaultySettings;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.AgentSessionWorkflowImpl;
import dev.skerry.session.Box;
import dev.skerry.session.ControlActivities;
import dev.skerry.session.Money;
import dev.skerry.session.Provisioned;
import dev.skerry.session.Reason;
import dev.skerry.session.SandboxActivities;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import dev.skerry.session.SessionState;
import dev.skerry.session.Status;
import dev.skerry.session.TaskQueues;
import dev.skerry.session.Timeouts;
import dev.skerry.session.Transition;
import dev.skerry.session.TurnId;
import dev.skerry.session.TurnOutcome;
import dev.skerry.session.TurnStatus;
import dev.skerry.session.Ulid;
import dev.skerry.temporal.SearchAttributes;
import dev.skerry.temporal.TemporalSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowOptions;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** Sessions whose sandboxes end, or seem to, in a real metro of processes. */
@Timeout(120)
class LossLookTest {
    private static final String TOKEN = "token-of-a-watched-metro";
    private static final String FAULTS = "faults-of-a-watched-metro";
    private static final String IMAGE = "test/sleeping:1";
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration DAY = Duration.ofDays(1);

    @TempDir
    Path directory;

    private final Ulid ids = new Ulid(Clock.systemUTC());
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private MetroServer server;
    private UnikraftProvider provider;
    private TestWorkflowEnvironment temporal;
    private LossLook look;
    private volatile boolean listsNothing;

    @BeforeEach
    void start() throws Exception {
        server = MetroServer.start(MetroConfiguration.local(
                        TOKEN,
                        directory,
                        Map.of(
                                IMAGE,
                                new Image.Program(List.of("/bin/sh", "-c", "while :; do sleep 0.05; done"), List.of())))
                .withDriver(new DriverSettings.Processes(Isolation.PLAIN))
                .withFaulty(new FaultySettings(0, FAULTS, "", 1)));
        provider = new UnikraftProvider(
                new UnikraftSettings("local", "http://127.0.0.1:" + server.port(), TOKEN, IMAGE, 64, 1, DAY),
                "inst",
                JsonMapper.builder().build(),
                ObservationRegistry.NOOP);
        TestEnvironmentOptions.Builder options = TestEnvironmentOptions.newBuilder()
                .setUseTimeskipping(false)
                .setWorkflowClientOptions(WorkflowClientOptions.newBuilder()
                        .setDataConverter(TemporalSettings.dataConverter())
                        .build());
        SearchAttributes.TYPES.forEach(options::registerSearchAttribute);
        temporal = TestWorkflowEnvironment.newInstance(options.build());
        Control control = new Control();
        var sessions = temporal.newWorker(TaskQueues.SESSIONS);
        sessions.registerWorkflowImplementationTypes(AgentSessionWorkflowImpl.class);
        sessions.registerActivitiesImplementations(control);
        temporal.newWorker(TaskQueues.metro("local")).registerActivitiesImplementations(new Boxes());
        temporal.start();
        look = new LossLook(
                new Metro("local", 1, forgetful(), Clock.systemUTC()),
                "inst",
                new AwakeSessions(temporal.getWorkflowClient()),
                meters);
    }

    /** The provider, but for listings while {@link #listsNothing}. */
    private SandboxProvider forgetful() {
        return (SandboxProvider) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {SandboxProvider.class}, (proxy, method, arguments) -> {
                    if (listsNothing && method.getName().equals("listOwned")) {
                        return new Page(List.of(), null);
                    }
                    try {
                        return method.invoke(provider, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @AfterEach
    void stop() {
        temporal.close();
        server.close();
    }

    @Test
    void theDeathOfAnIdleSessionsVmIsNoticedAtTheNextLook() throws Exception {
        SessionId session = idle();
        look.look();
        assertThat(status(session)).isEqualTo(Status.IDLE);
        die(session);
        look.look();
        awaitStatus(session, Status.SUSPENDED);
        Reason reason = workflow(session).status().reason();
        assertThat(reason.code()).isEqualTo("sandbox_died");
        assertThat(reason.message()).contains("stopped");
        assertThat(lost()).isEqualTo(1);
        assertThat(provider.listOwned(null).owned()).isEmpty();
        look.look();
        assertThat(lost()).isEqualTo(1);
    }

    @Test
    void oneThatVanishesBetweenTwoLooksIsLost() throws Exception {
        SessionId session = idle();
        look.look();
        provider.destroy(vm(session), () -> {});
        look.look();
        awaitStatus(session, Status.SUSPENDED);
        assertThat(workflow(session).status().reason().message()).contains("is not there any more");
        assertThat(lost()).isEqualTo(1);
    }

    @Test
    void aSuspendedOneIsNotAndWakesAsItWas() throws Exception {
        SessionId session = idle();
        look.look();
        workflow(session).suspend();
        awaitStatus(session, Status.SUSPENDED);
        look.look();
        workflow(session).resume();
        awaitStatus(session, Status.IDLE);
        look.look();
        assertThat(workflow(session).status().box().name()).isEqualTo(vm(session));
        assertThat(lost()).isZero();
    }

    @Test
    void oneThatIsDestroyedInOrderIsNot() throws Exception {
        SessionId session = idle();
        look.look();
        workflow(session).terminate(new Reason("deleted", "Deleted by its owner."));
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> provider.listOwned(null).owned().isEmpty());
        look.look();
        assertThat(lost()).isZero();
    }

    @Test
    void aListingThatForgetsALivingOneKillsNobody() throws Exception {
        SessionId session = idle();
        look.look();
        listsNothing = true;
        look.look();
        assertThat(status(session)).isEqualTo(Status.IDLE);
        assertThat(lost()).isZero();
    }

    @Test
    void aMetroThatDoesNotListIsLeftForTheNextLook() throws Exception {
        SessionId session = idle();
        look.look();
        die(session);
        fault("{\"fault\":\"html\",\"operations\":[\"list\"],\"status\":503,\"probability\":1}");
        look.look();
        assertThat(status(session)).isEqualTo(Status.IDLE);
        assertThat(meters.counter("skerry.metro.looks.failed", "metro", "local").count())
                .isPositive();
        fault("[]");
        look.look();
        awaitStatus(session, Status.SUSPENDED);
    }

    private double lost() {
        return meters.counter("skerry.metro.lost", "metro", "local").count();
    }

    private static SandboxName vm(SessionId session) {
        return SandboxName.of("inst", session, 1);
    }

    /** Ends its processes from outside and waits until the metro knows. */
    private void die(SessionId session) throws Exception {
        for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
            try {
                Path cwd = Path.of("/proc", Long.toString(process.pid()), "cwd");
                if (java.nio.file.Files.readSymbolicLink(cwd).startsWith(directory.toRealPath())) {
                    process.destroyForcibly();
                }
            } catch (java.io.IOException e) {
                continue;
            }
        }
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> provider.inspect(vm(session)) == SandboxActivities.Sighting.STOPPED);
    }

    private void fault(String rules) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + server.faultPort() + "/v1/faults"))
                .header("Authorization", "Bearer " + FAULTS)
                .PUT(BodyPublishers.ofString(rules))
                .build();
        assertThat(HttpClient.newHttpClient()
                        .send(request, BodyHandlers.ofString())
                        .statusCode())
                .isEqualTo(200);
    }

    private SessionId idle() {
        SessionId session = ids.session();
        AgentSessionWorkflow workflow = temporal.getWorkflowClient()
                .newWorkflowStub(
                        AgentSessionWorkflow.class,
                        WorkflowOptions.newBuilder()
                                .setWorkflowId(session.value())
                                .setTaskQueue(TaskQueues.SESSIONS)
                                .build());
        WorkflowClient.start(
                workflow::run,
                SessionState.created(session, "ten_test", "inst", new Timeouts(DAY, DAY, DAY), Instant.now()));
        awaitStatus(session, Status.IDLE);
        return session;
    }

    private AgentSessionWorkflow workflow(SessionId session) {
        return temporal.getWorkflowClient().newWorkflowStub(AgentSessionWorkflow.class, session.value());
    }

    private Status status(SessionId session) {
        return workflow(session).status().status();
    }

    private void awaitStatus(SessionId session, Status wanted) {
        Awaitility.await().atMost(PATIENCE).until(() -> status(session) == wanted);
    }

    /** The metro's verbs, without a control plane to ask. */
    private final class Boxes implements SandboxActivities {
        private interface Call {
            void run() throws ProviderException;
        }

        private void call(Call call) {
            try {
                call.run();
            } catch (ProviderException e) {
                throw ApplicationFailure.newFailure(e.getMessage(), "provider_unknown");
            }
        }

        @Override
        public Provisioned provision(Transition provisioning) {
            call(() -> provider.create(
                    new Spec(
                            provisioning.vm().name(),
                            Map.of(),
                            List.of("skerry", "installation=inst", "session=" + provisioning.session())),
                    () -> {}));
            return Provisioned.cold("a test");
        }

        @Override
        public void suspend(Transition suspended) {
            call(() -> provider.suspend(suspended.vm().name(), () -> {}));
        }

        @Override
        public void resume(Transition resuming, int frozen) {
            call(() -> provider.resume(resuming.vm().name(), () -> {}));
        }

        @Override
        public void destroy(Box box) {
            call(() -> provider.destroy(box.name(), () -> {}));
        }

        @Override
        public Sighting inspect(Box box) {
            return Sighting.RUNNING;
        }
    }

    /** A control plane that agrees to everything. */
    private static final class Control implements ControlActivities {
        @Override
        public List<MetroView> metros() {
            return List.of(new MetroView("local", "unikraft", true, 1, null));
        }

        @Override
        public TurnOutcome runTurn(Transition running, TurnId turn) {
            return new TurnOutcome(TurnStatus.COMPLETED, null);
        }

        @Override
        public void cancelTurn(SessionId session, TurnId turn) {}

        @Override
        public void endTurn(SessionId session, TurnId turn, TurnStatus status, Reason reason) {}

        @Override
        public void closeIncarnation(SessionId session, int incarnation) {}

        @Override
        public void report(Transition transition) {}

        @Override
        public void raiseBudget(SessionId session, Money cap) {}

        @Override
        public void stop(Transition terminating, TurnStatus turns, Reason reason) {}

        @Override
        public void settle(Transition ended) {}
    }
}
