package dev.skerry.controlplane.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class EventTest {
    @Autowired
    World world;

    @Test
    void appendsEachEventOnce() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Hi");
        String batch = "{'events': [" + started(1, turn) + "," + started(2, turn) + "]}";

        assertThat(sandbox.post("/events", batch).text()).isEqualTo("{\"accepted_up_to\":2}");
        assertThat(sandbox.post("/events", batch).text()).isEqualTo("{\"accepted_up_to\":2}");
        assertThat(sandbox.post("/events", "{'events': [" + started(2, turn) + "," + started(3, turn) + "]}")
                        .text())
                .isEqualTo("{\"accepted_up_to\":3}");

        assertThat(world.events(sandbox.session()))
                .filteredOn(event -> event.type().equals("tool.started"))
                .hasSize(3)
                .allSatisfy(event -> {
                    assertThat(event.turnId()).isEqualTo(turn);
                    assertThat(event.incarnation()).isEqualTo(1);
                    assertThat(event.data()).isEqualTo("{\"call\": \"call_1\", \"name\": \"bash\", \"title\": \"ls\"}");
                });
    }

    @Test
    void appendsOnceWhenTheSameBatchArrivesTwiceAtTheSameTime() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String batch = "{'events': ["
                + IntStream.rangeClosed(1, 50)
                        .mapToObj(seq ->
                                "{'seq': " + seq + ", 'type': 'sandbox.log', 'data': {'level': 'info', 'text': 'x'}}")
                        .collect(Collectors.joining(","))
                + "]}";

        IntStream.range(0, 3)
                .mapToObj(ignored -> CompletableFuture.runAsync(() -> sandbox.post("/events", batch)))
                .toList()
                .forEach(CompletableFuture::join);

        assertThat(world.eventTypes(sandbox.session())).hasSize(51);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'seq': 1, 'type': 'turn.completed', 'data': {}}",
                "{'seq': 1, 'type': 'session.terminated', 'data': {}}",
                "{'seq': 1, 'type': 'model.response', 'data': {}}",
                "{'seq': 0, 'type': 'tool.output', 'data': {}}",
                "{'type': 'tool.output', 'data': {}}",
                "{'seq': 1, 'type': 'tool.output', 'data': {'turn': 'trn_01ARZ3NDEKTSV4RRFFQ69G5FAV'}}",
                "{'seq': 1, 'type': 'tool.output', 'data': {'text': {'a': 1}}}",
                "{'seq': 1, 'type': 'tool.finished', 'data': {'is_error': 'no'}}",
                "{'seq': 1, 'type': 'file.changed', 'data': {'path': 'a', 'size': 1, 'change': 'stolen'}}",
                "null",
            })
    void refusesWhatASandboxMayNotSay(String event) {
        Sandbox sandbox = world.boot(world.session(), 1);

        Answer answer = sandbox.post("/events", "{'events': [" + event + "]}");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(world.eventTypes(sandbox.session())).containsExactly("session.ready", "policy.denied");
    }

    @Test
    void keepsOnlyDocumentedFieldsAndCutsLongText() {
        Sandbox sandbox = world.boot(world.session(), 1);

        sandbox.post(
                "/events",
                "{'events': [{'seq': 1, 'type': 'tool.output', 'data': {'call': 'c', 'cost_usd': 0, 'text': '"
                        + "a\\u0000b".repeat(10_000) + "'}}]}");

        String data = world.events(sandbox.session()).getLast().data();
        assertThat(data).doesNotContain("cost_usd").contains("[cut]");
        assertThat(data.length()).isBetween(16_000, 17_000);
    }

    @Test
    void refusesTooManyAndTooMuch() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String many = IntStream.rangeClosed(1, 101)
                .mapToObj(seq -> "{'seq': " + seq + ", 'type': 'tool.output', 'data': {}}")
                .collect(Collectors.joining(","));
        String large = "{'seq': 1, 'type': 'tool.output', 'data': {'text': '" + "x".repeat(270_000) + "'}}";
        String late = "{'seq': 1001, 'type': 'tool.output', 'data': {}}";

        assertThat(sandbox.post("/events", "{'events': [" + many + "]}").status())
                .isEqualTo(413);
        assertThat(sandbox.post("/events", "{'events': [" + large + "]}").status())
                .isEqualTo(413);
        assertThat(sandbox.post("/events", "{'events': [" + late + "]}").status())
                .isEqualTo(413);
    }

    private static String started(int seq, String turn) {
        return "{'seq': " + seq + ", 'type': 'tool.started', 'at': '2026-01-01T00:00:00Z', 'data': {'turn': '" + turn
                + "', 'call': 'call_1', 'name': 'bash', 'title': 'ls'}}";
    }
}
