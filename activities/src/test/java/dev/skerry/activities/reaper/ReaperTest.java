package dev.skerry.activities.reaper;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.provider.Metro;
import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.reaper.AbandonedActivities;
import dev.skerry.reaper.ReapOrder;
import dev.skerry.reaper.ReapOrphansWorkflow;
import dev.skerry.reaper.ReapOrphansWorkflowImpl;
import dev.skerry.reaper.ReapReport;
import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.Reason;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import dev.skerry.session.SessionStatus;
import dev.skerry.session.TaskQueues;
import dev.skerry.session.Ulid;
import dev.skerry.temporal.TemporalSettings;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.temporal.worker.Worker;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real sweeps over a provider in memory, judged by what a Temporal server says of real workflows. */
@Timeout(60)
class ReaperTest {
    private static final Instant LONG_AGO = Instant.now().minus(Duration.ofHours(1));

    private final Ulid ids = new Ulid(Clock.systemUTC());
    private final ListedProvider provider = new ListedProvider();
    private final ListedProvider elsewhere = new ListedProvider();
    private volatile boolean temporalIsMute;
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private TestWorkflowEnvironment temporal;

    @BeforeEach
    void open() {
        temporal = TestWorkflowEnvironment.newInstance(TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(WorkflowClientOptions.newBuilder()
                        .setDataConverter(TemporalSettings.dataConverter())
                        .build())
                .setWorkflowServiceStubsOptions(WorkflowServiceStubsOptions.newBuilder()
                        .setGrpcClientInterceptors(List.of(new MuteDescribe()))
                        .build())
                .build());
        Worker sessions = temporal.newWorker(TaskQueues.SESSIONS);
        sessions.registerWorkflowImplementationTypes(ReapOrphansWorkflowImpl.class, OpenSession.class);
        temporal.newWorker(TaskQueues.CONTROL).registerActivitiesImplementations(new NothingAbandoned());
        serve("local", provider);
        serve("other", elsewhere);
        temporal.start();
    }

    private void serve(String code, ListedProvider provider) {
        Metro metro = new Metro(code, 1, provider, Clock.systemUTC());
        temporal.newWorker(TaskQueues.metro(code))
                .registerActivitiesImplementations(
                        new MetroReaper(metro, "inst", temporal.getWorkflowClient(), meters, Clock.systemUTC()));
    }

    @AfterEach
    void close() {
        temporal.close();
    }

    @Test
    void readsEveryPage() {
        for (int i = 0; i < 5; i++) {
            vm("inst", session(), 1, LONG_AGO);
        }
        MetroReport report = sweep();
        assertThat(report.seen()).isEqualTo(5);
        assertThat(report.reclaimed()).isEqualTo(5);
        assertThat(provider.machines).isEmpty();
    }

    @Test
    void touchesOnlyWhatHasItsOwnTag() {
        vm("other", session(), 1, LONG_AGO);
        MetroReport report = sweep();
        assertThat(report.seen()).isZero();
        assertThat(provider.machines).hasSize(1);
    }

    @Test
    void leavesAloneWhatNamesNoSession() {
        provider.machines.put(
                "skerry-inst-x", new Owned(new SandboxName("skerry-inst-x"), List.of("installation=inst"), LONG_AGO));
        assertThat(sweep().reclaimed()).isZero();
        assertThat(provider.machines).hasSize(1);
    }

    @Test
    void leavesAloneWhatIsYoung() {
        vm("inst", session(), 1, Instant.now());
        MetroReport report = sweep();
        assertThat(report.kept()).isEqualTo(1);
        assertThat(provider.machines).hasSize(1);
    }

    @Test
    void keepsWhatALivingSessionOwnsAndTakesWhatItLeftBehind() {
        SessionId living = session();
        String left = vm("inst", living, 1, LONG_AGO);
        String owned = vm("inst", living, 2, LONG_AGO);
        live(living, owned);
        MetroReport report = sweep();
        assertThat(report.orphans()).containsExactly(left);
        assertThat(provider.machines).containsOnlyKeys(owned);
    }

    @Test
    void takesWhatAClosedWorkflowLeftBehind() {
        SessionId closed = session();
        live(closed, vm("inst", closed, 1, LONG_AGO));
        WorkflowStub stub = temporal.getWorkflowClient().newUntypedWorkflowStub(closed.value());
        stub.query("status", SessionStatus.class);
        stub.terminate("by an operator");
        assertThat(sweep().reclaimed()).isEqualTo(1);
        assertThat(provider.machines).isEmpty();
    }

    @Test
    void destroysOnlyWhatTwoSweepsFound() {
        vm("inst", session(), 1, LONG_AGO);
        provider.beforeSecondListing = () -> vm("inst", session(), 1, LONG_AGO);
        assertThat(sweep().reclaimed()).isEqualTo(1);
        assertThat(provider.machines).hasSize(1);
    }

    @Test
    void asksTemporalOnceMoreBeforeItDestroys() {
        List<SessionId> inOrder = Stream.of(session(), session())
                .sorted(Comparator.comparing(SessionId::value))
                .toList();
        SessionId late = inOrder.getLast();
        String first = vm("inst", inOrder.getFirst(), 1, LONG_AGO);
        String second = vm("inst", late, 1, LONG_AGO);
        provider.beforeFirstDestroy = () -> live(late, second);
        MetroReport report = sweep();
        assertThat(report.orphans()).containsExactlyInAnyOrder(first, second);
        assertThat(report.reclaimed()).isEqualTo(1);
        assertThat(provider.machines).containsOnlyKeys(second);
    }

    @Test
    void destroysNothingWhenAPageIsMissing() {
        vm("inst", session(), 1, LONG_AGO);
        vm("inst", session(), 1, LONG_AGO);
        provider.missingPage = 1;
        MetroReport report = sweep();
        assertThat(report.reclaimed()).isZero();
        assertThat(report.failure()).contains("Could not list local");
        assertThat(provider.machines).hasSize(2);
        assertThat(meters.counter("skerry.reaper.failed", "metro", "local").count())
                .isPositive();
    }

    @Test
    void destroysNothingWhenAListingGoesInCircles() {
        vm("inst", session(), 1, LONG_AGO);
        vm("inst", session(), 1, LONG_AGO);
        provider.circular = true;
        MetroReport report = sweep();
        assertThat(report.failure()).contains("goes in circles");
        assertThat(provider.machines).hasSize(2);
    }

    @Test
    void destroysAtMostSoManyInOneSweep() {
        for (int i = 0; i < 5; i++) {
            vm("inst", session(), 1, LONG_AGO);
        }
        MetroReport report =
                run(new ReapOrder(List.of("local"), false, Duration.ofMinutes(10), Duration.ofSeconds(30), 2));
        assertThat(report.orphans()).hasSize(2);
        assertThat(report.reclaimed()).isEqualTo(2);
        assertThat(provider.machines).hasSize(3);
    }

    @Test
    void onlyReportsWhenAskedTo() {
        String orphan = vm("inst", session(), 1, LONG_AGO);
        MetroReport report =
                run(new ReapOrder(List.of("local"), true, Duration.ofMinutes(10), Duration.ofSeconds(30), 50));
        assertThat(report.orphans()).containsExactly(orphan);
        assertThat(report.reclaimed()).isZero();
        assertThat(provider.machines).hasSize(1);
    }

    @Test
    void oneThatCannotBeDestroyedDoesNotKeepTheOthersAlive() {
        for (int i = 0; i < 3; i++) {
            vm("inst", session(), 1, LONG_AGO);
        }
        String first = provider.machines.keySet().iterator().next();
        provider.indestructible = first;
        MetroReport report = sweep();
        assertThat(report.orphans()).hasSize(3);
        assertThat(report.reclaimed()).isEqualTo(2);
        assertThat(report.failed()).isEqualTo(1);
        assertThat(report.refused().getFirst()).contains(first, "delete lock");
        assertThat(report.failure()).isEmpty();
        assertThat(provider.machines).containsOnlyKeys(first);
        assertThat(count("skerry.reaper.reclaimed")).isEqualTo(2);
        assertThat(count("skerry.reaper.failed")).isPositive();
    }

    @Test
    void destroysNothingWhenTemporalDoesNotSay() {
        vm("inst", session(), 1, LONG_AGO);
        temporalIsMute = true;
        MetroReport report = sweep();
        assertThat(report.reclaimed()).isZero();
        assertThat(report.failure()).contains("Could not ask Temporal about ses_");
        assertThat(provider.machines).hasSize(1);
        assertThat(count("skerry.reaper.failed")).isPositive();
    }

    @Test
    void countsWhatWasDestroyedBeforeTemporalFellSilent() {
        for (int i = 0; i < 3; i++) {
            vm("inst", session(), 1, LONG_AGO);
        }
        provider.beforeFirstDestroy = () -> temporalIsMute = true;
        MetroReport report = sweep();
        assertThat(report.reclaimed()).isEqualTo(1);
        assertThat(report.failed()).isEqualTo(2);
        assertThat(provider.machines).hasSize(2);
    }

    @Test
    void destroysNothingAnywhereWhenOneMetroCannotBeListed() {
        String orphan = vm("inst", session(), 1, LONG_AGO);
        elsewhere.missingPage = 0;
        ReapReport report = report(ReapOrder.usual(List.of("local", "other")));
        assertThat(report.complete()).isFalse();
        assertThat(report.metros().getFirst().orphans()).containsExactly(orphan);
        assertThat(report.metros().getFirst().failure()).contains("while other cannot be judged");
        assertThat(report.metros().getLast().failure()).contains("Could not list other");
        assertThat(provider.machines).containsOnlyKeys(orphan);
    }

    @Test
    void destroysNothingAnywhereWhenOneMetroCannotBeListedTheSecondTime() {
        String orphan = vm("inst", session(), 1, LONG_AGO);
        provider.beforeSecondListing = () -> provider.missingPage = 0;
        elsewhere.machines.putAll(provider.machines);
        ReapReport report = report(ReapOrder.usual(List.of("other", "local")));
        assertThat(report.metros()).extracting(MetroReport::reclaimed).containsExactly(0, 0);
        assertThat(elsewhere.machines).containsOnlyKeys(orphan);
        assertThat(provider.machines).containsOnlyKeys(orphan);
    }

    private double count(String counter) {
        return meters.counter(counter, "metro", "local").count();
    }

    private SessionId session() {
        return ids.session();
    }

    private String vm(String installation, SessionId session, int incarnation, Instant createdAt) {
        SandboxName name = SandboxName.of(installation, session, incarnation);
        provider.machines.put(
                name.value(),
                new Owned(name, List.of("installation=" + installation, "session=" + session), createdAt));
        return name.value();
    }

    private void live(SessionId session, String vm) {
        AgentSessionWorkflow workflow = temporal.getWorkflowClient()
                .newWorkflowStub(
                        AgentSessionWorkflow.class,
                        WorkflowOptions.newBuilder()
                                .setWorkflowId(session.value())
                                .setTaskQueue(TaskQueues.SESSIONS)
                                .build());
        WorkflowClient.start(workflow::run, OpenSession.owning(session, vm));
    }

    private MetroReport sweep() {
        return run(ReapOrder.usual(List.of("local")));
    }

    private MetroReport run(ReapOrder order) {
        return report(order).metros().getFirst();
    }

    private ReapReport report(ReapOrder order) {
        return temporal.getWorkflowClient()
                .newWorkflowStub(
                        ReapOrphansWorkflow.class,
                        WorkflowOptions.newBuilder()
                                .setTaskQueue(TaskQueues.SESSIONS)
                                .build())
                .run(order);
    }

    /** A Temporal that does not answer one kind of question. */
    private final class MuteDescribe implements ClientInterceptor {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            if (temporalIsMute && "DescribeWorkflowExecution".equals(method.getBareMethodName())) {
                throw Status.UNAVAILABLE.asRuntimeException();
            }
            return next.newCall(method, options);
        }
    }

    /** The records of sessions are another test's concern. */
    private static final class NothingAbandoned implements AbandonedActivities {
        @Override
        public Found findAbandoned(Duration grace, int most) {
            return new Found(0, List.of());
        }

        @Override
        public boolean closeAbandoned(String session, long transition, Reason reason) {
            return false;
        }
    }
}
