package dev.skerry.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.temporal.api.history.v1.History;
import io.temporal.common.WorkflowExecutionHistory;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What was not replayed is not said to be safe. */
class ReplayCommandTest {
    private static final Path HISTORY = Path.of(
            "../workflows/src/test/resources/histories/AgentSessionWorkflow/deleted-while-provisioning.v1.json");

    private final StringWriter output = new StringWriter();

    @Test
    void replaysEveryWorkflowHoweverManyThereAre() throws IOException {
        assertThat(replay(1_001)).isZero();
        assertThat(output.toString()).contains("ok    ses_1000 run_1000", "1001 replayed, 0 failed");
    }

    @Test
    void saysThatItStoppedWhereItWasAskedTo() throws IOException {
        assertThat(replay(4, "--limit", "3")).isZero();
        assertThat(output.toString())
                .contains("3 replayed, 0 failed", "Stopped at --limit 3: there are more.")
                .doesNotContain("ses_3 ");
    }

    @Test
    void doesNotSayThatItStoppedWhenNothingWasLeft() throws IOException {
        assertThat(replay(3, "--limit", "3")).isZero();
        assertThat(output.toString()).contains("3 replayed, 0 failed").doesNotContain("Stopped");
    }

    @Test
    void findsThatNothingReplaysWhereNothingIs() throws IOException {
        assertThat(replay(0)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1"})
    void refusesALimitThatReplaysNothing(String limit) throws IOException {
        assertThat(replay(1, "--limit", limit)).isEqualTo(2);
        assertThat(output.toString()).contains("--limit must be 1 or more");
    }

    private int replay(int workflows, String... options) throws IOException {
        History history =
                WorkflowExecutionHistory.fromJson(Files.readString(HISTORY)).getHistory();
        try (TestingServer server = new TestingServer(workflows, history)) {
            CommandLine command = new CommandLine(new ReplayCommand())
                    .setOut(new PrintWriter(output, true))
                    .setErr(new PrintWriter(output, true));
            String[] arguments = new String[options.length + 2];
            arguments[0] = "--temporal";
            arguments[1] = server.target();
            System.arraycopy(options, 0, arguments, 2, options.length);
            return command.execute(arguments);
        }
    }
}
