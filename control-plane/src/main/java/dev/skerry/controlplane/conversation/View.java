package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.llm.Content;
import dev.skerry.controlplane.llm.Message;
import dev.skerry.store.Messages.MessageRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the model sees of a conversation: every call with its result, and of a conversation that is too long its newest part.
 *
 * <p>The log itself is never changed. A call that got no result, because its turn ended first, is shown with one that says so.
 */
@Component
class View {
    private static final String NO_RESULT = "No result: the turn ended before this call did.";
    private static final String DROPPED = "[This result was dropped to make room.]";
    private static final int BYTES_PER_TOKEN = 3;

    private final JsonMapper json;

    View(JsonMapper json) {
        this.json = json;
    }

    /** {@code rows} oldest first; drops whole old turns, then old results of the newest, until {@code mostTokens} are kept about. */
    List<Message> of(List<MessageRow> rows, long mostTokens) {
        Map<String, List<MessageRow>> byTurn = new LinkedHashMap<>();
        rows.forEach(row -> byTurn.computeIfAbsent(row.turnId(), ignored -> new ArrayList<>())
                .add(row));
        List<List<Message>> turns = new ArrayList<>();
        byTurn.values().forEach(said -> turns.add(paired(said)));
        long tokens = turns.stream().mapToLong(this::tokens).sum();
        while (tokens > mostTokens && turns.size() > 1) {
            tokens -= tokens(turns.removeFirst());
        }
        if (tokens > mostTokens && !turns.isEmpty()) {
            turns.addFirst(shortened(turns.removeFirst(), tokens - mostTokens));
        }
        return turns.stream().flatMap(List::stream).toList();
    }

    private List<Message> shortened(List<Message> turn, long tooMany) {
        List<Message> kept = new ArrayList<>();
        long left = tooMany;
        for (int i = 0; i < turn.size(); i++) {
            Message message = turn.get(i);
            if (left > 0 && message.role() == Message.Role.TOOL && i < turn.size() - 1) {
                left -= tokens(List.of(message));
                kept.add(new Message(
                        Message.Role.TOOL,
                        List.of(new Content.Text(DROPPED)),
                        message.toolCallId(),
                        message.isError()));
            } else {
                kept.add(message);
            }
        }
        return kept;
    }

    private List<Message> paired(List<MessageRow> said) {
        List<Message> messages = new ArrayList<>();
        Map<String, MessageRow> results = new LinkedHashMap<>();
        said.stream()
                .filter(row -> row.role().equals("tool"))
                .forEach(row -> results.put(Objects.requireNonNullElse(row.toolCallId(), ""), row));
        for (MessageRow row : said) {
            List<Content> content = List.of(json.readValue(row.content(), Content[].class));
            switch (row.role()) {
                case "user" -> messages.add(new Message(Message.Role.USER, content, null, false));
                case "assistant" -> {
                    if (!content.isEmpty()) {
                        messages.add(new Message(Message.Role.ASSISTANT, content, null, false));
                        addResults(messages, content, results);
                    }
                }
                default -> {}
            }
        }
        return messages;
    }

    private void addResults(List<Message> messages, List<Content> content, Map<String, MessageRow> results) {
        for (Content block : content) {
            if (block instanceof Content.ToolCall call) {
                MessageRow result = results.get(call.id());
                messages.add(
                        result == null
                                ? new Message(Message.Role.TOOL, List.of(new Content.Text(NO_RESULT)), call.id(), true)
                                : new Message(
                                        Message.Role.TOOL,
                                        List.of(json.readValue(result.content(), Content[].class)),
                                        call.id(),
                                        result.isError()));
            }
        }
    }

    private long tokens(List<Message> messages) {
        return json.writeValueAsBytes(messages).length / BYTES_PER_TOKEN;
    }
}
