package dev.skerry.reaper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.reaper.Sweeps.Scenario;
import dev.skerry.reaper.Sweeps.Swept;
import dev.skerry.session.Recordings;
import dev.skerry.session.Replayer;
import dev.skerry.testing.TestingTemporal;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.workflow.Workflow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sweeps on a real Temporal server replay, and so does every sweep that was ever recorded. With {@code -Dskerry.record=true} the new
 * ones are kept, see {@code docs/changing-workflows.md}.
 */
@Timeout(120)
class SweepsTest {
    private static final Recordings RECORDINGS = new Recordings("ReapOrphansWorkflow");

    static List<Path> recordings() throws IOException {
        return RECORDINGS.all();
    }

    @Test
    void everyPathReplays(@TempDir Path directory) throws Exception {
        try (TestingTemporal temporal = TestingTemporal.start(directory, Map.of());
                Replayer replayer = new Replayer(ReapOrphansWorkflowImpl.class)) {
            for (Scenario scenario : Scenario.all()) {
                try (Sweeps sweeps = new Sweeps(scenario, temporal.target())) {
                    Swept swept = sweeps.run();
                    replayer.replay(swept.history());
                    if (Recordings.wanted()) {
                        RECORDINGS.add(scenario.name(), swept.history());
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void everyRecordingReplays(Path recording) throws Exception {
        try (Replayer replayer = new Replayer(ReapOrphansWorkflowImpl.class)) {
            replayer.replay(WorkflowExecutionHistory.fromJson(Files.readString(recording)));
        }
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void aChangedSweepDoesNotReplay(Path recording) throws Exception {
        try (Replayer changed = new Replayer(Changed.class)) {
            WorkflowExecutionHistory history = WorkflowExecutionHistory.fromJson(Files.readString(recording));
            assertThatThrownBy(() -> changed.replay(history)).hasStackTraceContaining("NonDeterministic");
        }
    }

    @Test
    void thereIsARecordingOfEveryScenario() throws IOException {
        assertThat(RECORDINGS.scenarios())
                .containsAll(Scenario.all().stream().map(Scenario::name).toList());
    }

    @Test
    void aReportOfAWorkerThatDidNotCountFailuresIsRead() {
        MetroReport report = JsonMapper.builder()
                .build()
                .readValue(
                        "{\"metro\":\"one\",\"seen\":3,\"kept\":1,\"orphans\":[\"a\"],\"reclaimed\":1,\"failure\":\"\"}",
                        MetroReport.class);
        assertThat(report.failed()).isZero();
    }

    /** Today's sweep with one more timer before everything else. */
    public static final class Changed implements ReapOrphansWorkflow {
        @Override
        public ReapReport run(ReapOrder order) {
            Workflow.sleep(Duration.ofSeconds(1));
            return new ReapOrphansWorkflowImpl().run(order);
        }
    }
}
