package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.temporal.api.common.v1.Payloads;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every history that was ever recorded still replays; sessions that run when a new version is deployed have such histories. */
class GoldenHistoriesTest {
    private static final Recordings RECORDINGS = new Recordings("AgentSessionWorkflow");

    private static Replayer replayer;

    @BeforeAll
    static void open() {
        replayer = new Replayer(AgentSessionWorkflowImpl.class);
    }

    @AfterAll
    static void close() {
        replayer.close();
    }

    static List<Path> recordings() throws IOException {
        return RECORDINGS.all();
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void replays(Path recording) throws Exception {
        replayer.replay(WorkflowExecutionHistory.fromJson(Files.readString(recording)));
    }

    @Test
    void thereIsARecordingOfEveryScenario() throws IOException {
        assertThat(RECORDINGS.scenarios())
                .containsAll(Scenario.all().stream().map(Scenario::name).toList());
    }

    /** Nobody waits a day for a turn that is too long, nor asks thousands of times until the server wants a new run. */
    @Test
    void bothWaysOfEveryGuardedChangeAreRecorded() throws Exception {
        Set<String> guards = Pattern.compile("(?:isNew|getVersion)\\(\"([a-z-]+)\"")
                .matcher(Files.readString(Path.of("src/main/java/dev/skerry/session/AgentSessionWorkflowImpl.java")))
                .results()
                .map(guard -> guard.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> recorded = new TreeSet<>(List.of("ends-the-longest-turn", "waits-end-with-the-run"));
        for (Path recording : recordings()) {
            WorkflowExecutionHistory.fromJson(Files.readString(recording)).getEvents().stream()
                    .map(event -> event.getMarkerRecordedEventAttributes()
                            .getDetailsOrDefault("changeId", Payloads.getDefaultInstance()))
                    .flatMap(changes -> changes.getPayloadsList().stream())
                    .map(change -> change.getData().toStringUtf8().replace("\"", ""))
                    .forEach(recorded::add);
        }
        assertThat(recorded).isEqualTo(guards);
    }

    @Test
    void aChangedWorkflowDoesNotReplay() throws Exception {
        try (Replayer changed = new Replayer(Changed.class)) {
            for (Path recording : recordings()) {
                WorkflowExecutionHistory history = WorkflowExecutionHistory.fromJson(Files.readString(recording));
                assertThatThrownBy(() -> changed.replay(history))
                        .as(recording.toString())
                        .hasStackTraceContaining("NonDeterministic");
            }
        }
    }

    /** Today's workflow with one more timer before everything else. */
    public static final class Changed implements AgentSessionWorkflow {
        private final AgentSessionWorkflowImpl today;

        @WorkflowInit
        public Changed(SessionState state) {
            today = new AgentSessionWorkflowImpl(state);
        }

        @Override
        public void run(SessionState state) {
            Workflow.sleep(Duration.ofSeconds(1));
            today.run(state);
        }

        @Override
        public SessionStatus submitTurn(TurnId turn) {
            return today.submitTurn(turn);
        }

        @Override
        public void validateSubmitTurn(TurnId turn) {
            today.validateSubmitTurn(turn);
        }

        @Override
        public SessionStatus cancelTurn() {
            return today.cancelTurn();
        }

        @Override
        public SessionStatus suspend() {
            return today.suspend();
        }

        @Override
        public SessionStatus resume() {
            return today.resume();
        }

        @Override
        public SessionStatus raiseBudget(Money cap) {
            return today.raiseBudget(cap);
        }

        @Override
        public void validateRaiseBudget(Money cap) {
            today.validateRaiseBudget(cap);
        }

        @Override
        public SessionStatus terminate(Reason reason) {
            return today.terminate(reason);
        }

        @Override
        public void sandboxLost(SandboxLost lost) {
            today.sandboxLost(lost);
        }

        @Override
        public SessionStatus status() {
            return today.status();
        }
    }
}
