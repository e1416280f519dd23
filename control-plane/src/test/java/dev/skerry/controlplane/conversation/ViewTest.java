package dev.skerry.controlplane.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.llm.Content;
import dev.skerry.controlplane.llm.Message;
import dev.skerry.store.Messages.Condensation;
import dev.skerry.store.Messages.MessageRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class ViewTest {
    private static final long PLENTY = 1_000_000;
    private final View view = new View(new JsonMapper());
    private final List<MessageRow> rows = new ArrayList<>();

    @Test
    void showsEveryCallWithAResult() {
        user("List.");
        call("call_1", "bash");
        result("call_1", "a.txt");
        call("call_2", "bash");

        List<Message> seen = view.of(View.Source.of(rows, null, View.Forgetting.NOTHING), PLENTY);

        assertThat(seen)
                .extracting(Message::role)
                .containsExactly(
                        Message.Role.USER,
                        Message.Role.ASSISTANT,
                        Message.Role.TOOL,
                        Message.Role.ASSISTANT,
                        Message.Role.TOOL);
        assertThat(seen.getLast().text()).startsWith("No result");
        assertThat(seen.getLast().isError()).isTrue();
    }

    @Test
    void forgetsOldResultsOfAToolManyAtATimeSoThatThePrefixSeldomChanges() {
        user("Browse.");
        View.Forgetting forgetting = new View.Forgetting(Map.of("read", 3));
        List<Integer> forgotten = new ArrayList<>();
        for (int i = 1; i <= 9; i++) {
            call("call_" + i, "read");
            result("call_" + i, "page " + i);
            call("other_" + i, "bash");
            result("other_" + i, "kept");
            forgotten.add((int) view.of(View.Source.of(rows, null, forgetting), PLENTY).stream()
                    .filter(message -> message.text().contains("not shown any more"))
                    .count());
        }

        assertThat(forgotten).containsExactly(0, 0, 0, 0, 0, 3, 3, 3, 6);
        assertThat(view.of(View.Source.of(rows, null, forgetting), PLENTY))
                .extracting(Message::text)
                .contains("page 7", "page 8", "page 9")
                .doesNotContain("page 6")
                .filteredOn("kept"::equals)
                .hasSize(9);
    }

    @Test
    void putsACondensationInThePlaceOfWhatItCondenses() {
        user("First.");
        user("Second.");

        List<Message> seen = view.of(
                View.Source.of(
                        rows, new Condensation(rows.getFirst().id(), "They said first."), View.Forgetting.NOTHING),
                PLENTY);

        assertThat(seen)
                .extracting(Message::text)
                .satisfiesExactly(
                        text -> assertThat(text).endsWith("They said first."),
                        text -> assertThat(text).isEqualTo("Second."));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void neverPartsACallFromItsResult(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 60; i++) {
            switch (random.nextInt(3)) {
                case 0 -> user("x".repeat(random.nextInt(400)));
                default -> {
                    call("call_" + i, "bash");
                    result("call_" + i, "y".repeat(random.nextInt(800)));
                }
            }
        }
        View.Source source = View.Source.of(rows, null, View.Forgetting.NOTHING);
        for (long budget = 0; budget < view.tokens(source); budget += 97) {
            long kept = budget;
            List<MessageRow> old = view.oldest(source, kept);
            View.Source rest = old.isEmpty()
                    ? source
                    : View.Source.of(rows, new Condensation(old.getLast().id(), "."), View.Forgetting.NOTHING);
            Set<String> called = new HashSet<>();
            view.of(rest, PLENTY).forEach(message -> {
                message.content().forEach(block -> {
                    if (block instanceof Content.ToolCall call) {
                        called.add(call.id());
                    }
                });
                if (message.role() == Message.Role.TOOL) {
                    assertThat(called).as("seed %d, kept %d", seed, kept).contains(message.toolCallId());
                    assertThat(message.text()).doesNotStartWith("No result");
                }
            });
        }
    }

    private void user(String text) {
        add("user", "[{\"type\":\"text\",\"text\":\"" + text + "\"}]", null);
    }

    private void call(String id, String tool) {
        add(
                "assistant",
                "[{\"type\":\"tool_call\",\"id\":\"" + id + "\",\"name\":\"" + tool + "\",\"arguments\":{}}]",
                null);
    }

    private void result(String id, String text) {
        add("tool", "[{\"type\":\"text\",\"text\":\"" + text + "\"}]", id);
    }

    private void add(String role, String content, String callId) {
        int position = rows.size() + 1;
        rows.add(new MessageRow(
                "ses", position, "msg_" + position, "trn", role, content, callId, false, null, null, Instant.EPOCH));
    }
}
