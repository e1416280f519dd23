package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.testing.TestingTemporal;
import io.temporal.common.WorkflowExecutionHistory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Plays every scenario on a real Temporal server, replays what came of it, and counts events against the budget. With
 * {@code -Dskerry.record=true} it also keeps the histories, see {@code docs/changing-workflows.md}.
 */
@Timeout(180)
class ScenarioTest {
    private static final Path HISTORIES = Path.of("src/test/resources/histories/AgentSessionWorkflow");

    @TempDir
    private static Path directory;

    private static TestingTemporal temporal;
    private static final Map<String, WorkflowExecutionHistory> HISTORY = new HashMap<>();

    @BeforeAll
    static void play() throws Exception {
        temporal = TestingTemporal.start(directory, SearchAttributes.cliTypes());
        for (Scenario scenario : Scenario.all()) {
            try (TestingWorld world = new TestingWorld(scenario.timeouts(), temporal.target())) {
                TestingWorld.Session session = scenario.play().in(world);
                assertThat(world.running).as(scenario.name()).isEmpty();
                assertThat(world.frozen).as(scenario.name()).isEmpty();
                HISTORY.put(scenario.name(), session.history());
            }
        }
    }

    @AfterAll
    static void stop() throws IOException {
        if (temporal != null) {
            temporal.close();
        }
        if (Boolean.getBoolean("skerry.record")
                && HISTORY.size() == Scenario.all().size()) {
            for (Scenario scenario : Scenario.all()) {
                record(scenario);
            }
        }
    }

    @Test
    void everyPathReplays() throws Exception {
        try (Replayer replayer = new Replayer(AgentSessionWorkflowImpl.class)) {
            for (Scenario scenario : Scenario.all()) {
                replayer.replay(history(scenario.name()));
            }
        }
    }

    @Test
    void aSessionWithOneTurnCostsAtMostFortyEvents() {
        assertThat(events("one-turn")).isLessThanOrEqualTo(40);
    }

    @Test
    void aFurtherTurnCostsAtMostElevenEvents() {
        int perTurn = (events("three-turns") - events("one-turn")) / 2;
        assertThat(perTurn).isLessThanOrEqualTo(11);
    }

    @Test
    void askingToSuspendAndToResumeCostsAtMostTwentyFourEvents() {
        assertThat(events("asked-to-suspend-and-resume") - events("one-turn")).isLessThanOrEqualTo(24);
    }

    private static int events(String scenario) {
        int events = history(scenario).getEvents().size();
        System.out.println(scenario + ": " + events + " events");
        return events;
    }

    private static WorkflowExecutionHistory history(String scenario) {
        return HISTORY.get(scenario);
    }

    private static void record(Scenario scenario) throws IOException {
        Files.createDirectories(HISTORIES);
        int version = 1;
        while (Files.exists(HISTORIES.resolve(scenario.name() + ".v" + version + ".json"))) {
            version++;
        }
        String scrubbed = history(scenario.name())
                .toJson(true)
                .replaceAll("\"identity\": \"[^\"]*\"", "\"identity\": \"golden\"");
        Files.writeString(HISTORIES.resolve(scenario.name() + ".v" + version + ".json"), scrubbed);
    }
}
