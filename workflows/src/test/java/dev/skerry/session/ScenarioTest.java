package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.testing.TestingTemporal;
import io.temporal.api.enums.v1.EventType;
import io.temporal.api.history.v1.HistoryEvent;
import io.temporal.common.WorkflowExecutionHistory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
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
    @TempDir
    private static Path directory;

    private static TestingTemporal temporal;
    private static final Map<String, List<WorkflowExecutionHistory>> HISTORY = new HashMap<>();

    @BeforeAll
    static void play() throws Exception {
        temporal = TestingTemporal.start(directory, SearchAttributes.cliTypes());
        for (Scenario scenario : Recordings.wanted() ? Scenario.all() : Scenario.quick()) {
            try (TestingWorld world = new TestingWorld(scenario.timeouts(), temporal.target())) {
                TestingWorld.Session session = scenario.play().in(world);
                assertThat(world.running).as(scenario.name()).isEmpty();
                assertThat(world.frozen).as(scenario.name()).isEmpty();
                HISTORY.put(scenario.name(), session.histories());
            }
        }
    }

    @AfterAll
    static void stop() throws IOException {
        if (temporal != null) {
            temporal.close();
        }
        if (Recordings.wanted() && HISTORY.size() == Scenario.all().size()) {
            Recordings recordings = new Recordings("AgentSessionWorkflow");
            for (Scenario scenario : Scenario.all()) {
                record(scenario, recordings);
            }
        }
    }

    @Test
    void everyPathReplays() throws Exception {
        try (Replayer replayer = new Replayer(AgentSessionWorkflowImpl.class)) {
            for (List<WorkflowExecutionHistory> runs : HISTORY.values()) {
                for (WorkflowExecutionHistory run : runs) {
                    replayer.replay(run);
                }
            }
        }
    }

    @Test
    void aSessionWithOneTurnCostsAtMostFortyEvents() {
        assertThat(events("one-turn")).isLessThanOrEqualTo(40);
    }

    @Test
    void aFurtherTurnCostsOneUpdateOneActivityAndAtMostTwoWorkflowTasks() {
        Map<EventType, Integer> turns = extra("three-turns");
        assertThat(workflowTasks(turns)).isLessThanOrEqualTo(2 * 2);
        assertThat(work(turns))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 2,
                        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED, 2,
                        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, 2,
                        EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED, 2,
                        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 2));
    }

    /** Only so does the server hand it to the worker that asks for it with the answer to that worker's question. */
    @Test
    void aTurnIsGivenOnTheQueueOfItsWorkflow() {
        assertThat(scheduled("one-turn", "RunTurn"))
                .extracting(event -> event.getActivityTaskScheduledEventAttributes()
                        .getTaskQueue()
                        .getName())
                .containsExactly(TaskQueues.SESSIONS);
    }

    @Test
    void whoLooksForSessionsFindsThemByTheirStateAndPlace() {
        List<String> indexed = history("message-wakes-suspended").getEvents().stream()
                .map(event -> event.getUpsertWorkflowSearchAttributesEventAttributes()
                        .getSearchAttributes()
                        .getIndexedFieldsMap())
                .filter(fields -> !fields.isEmpty())
                .map(fields -> fields.entrySet().stream()
                        .map(field -> field.getKey() + "="
                                + field.getValue().getData().toStringUtf8())
                        .sorted()
                        .collect(Collectors.joining(" ")))
                .toList();
        assertThat(indexed)
                .startsWith(
                        "SkerryIncarnation=1 SkerryMetro=\"local\" SkerryProvider=\"testing\" SkerryStatus=\"awake\"",
                        "SkerryIncarnation=1 SkerryMetro=\"local\" SkerryProvider=\"testing\" SkerryStatus=\"suspended\"",
                        "SkerryIncarnation=2 SkerryMetro=\"local\" SkerryProvider=\"testing\" SkerryStatus=\"awake\"");
    }

    @Test
    void aHistorySaysWhyAMetroWasChosen() {
        assertThat(scheduled("other-metro", "Provision"))
                .extracting(
                        event -> event.getUserMetadata().getSummary().getData().toStringUtf8())
                .satisfiesExactly(
                        first -> assertThat(first)
                                .containsPattern(
                                        "-1 \\((local|other) healthy, weight 1; (local|other) healthy, weight 1\\)"),
                        second -> assertThat(second)
                                .containsPattern("-2 \\((local|other) healthy, weight 1; (local|other) refused\\)"));
    }

    /** 24 events; 21 when the second wish arrives while the first is being fulfilled, because they share a workflow task then. */
    @Test
    void askingToSuspendAndToResumeCostsTwoUpdatesTwoActivitiesTwoIndexingsAndAtMostFourWorkflowTasks() {
        Map<EventType, Integer> both = extra("asked-to-suspend-and-resume");
        assertThat(workflowTasks(both)).isLessThanOrEqualTo(4);
        assertThat(work(both))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 2,
                        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED, 2,
                        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, 2,
                        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, 2,
                        EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED, 2,
                        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 2));
    }

    private static List<HistoryEvent> scheduled(String scenario, String activity) {
        return history(scenario).getEvents().stream()
                .filter(event -> event.getActivityTaskScheduledEventAttributes()
                        .getActivityType()
                        .getName()
                        .equals(activity))
                .toList();
    }

    /** What a scenario costs more than one turn, by kind of event. */
    private static Map<EventType, Integer> extra(String scenario) {
        events(scenario);
        Map<EventType, Integer> extra = new EnumMap<>(EventType.class);
        history(scenario).getEvents().forEach(event -> extra.merge(event.getEventType(), 1, Integer::sum));
        history("one-turn").getEvents().forEach(event -> extra.merge(event.getEventType(), -1, Integer::sum));
        extra.values().removeIf(count -> count == 0);
        return extra;
    }

    private static Map<EventType, Integer> work(Map<EventType, Integer> events) {
        Map<EventType, Integer> work = new EnumMap<>(events);
        work.keySet().removeIf(type -> type.name().startsWith("EVENT_TYPE_WORKFLOW_TASK_"));
        return work;
    }

    private static int workflowTasks(Map<EventType, Integer> events) {
        return events.getOrDefault(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, 0);
    }

    private static int events(String scenario) {
        int events = history(scenario).getEvents().size();
        System.out.println(scenario + ": " + events + " events");
        return events;
    }

    /** Of its newest run. */
    private static WorkflowExecutionHistory history(String scenario) {
        return HISTORY.get(scenario).getFirst();
    }

    /** Runs before the newest are kept as {@code <scenario>-earlier.v<N>.json}. */
    private static void record(Scenario scenario, Recordings recordings) throws IOException {
        List<WorkflowExecutionHistory> runs = HISTORY.get(scenario.name());
        recordings.add(scenario.name(), runs.getFirst());
        for (WorkflowExecutionHistory earlier : runs.subList(1, runs.size())) {
            recordings.add(scenario.name() + "-earlier", earlier);
        }
    }
}
