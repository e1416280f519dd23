package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.llm.Content;
import dev.skerry.controlplane.llm.Message;
import dev.skerry.store.Messages.Condensation;
import dev.skerry.store.Messages.MessageRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the model sees of a conversation: every call with its result, of tools that are forgotten their newest results, and in the place of
 * what was condensed the condensation.
 *
 * <p>The log itself is never changed. A call that got no result, because its turn ended first, is shown with one that says so.
 */
@Component
class View {
    private static final String NO_RESULT = "No result: the turn ended before this call did.";
    private static final String DROPPED = "[This result was dropped to make room.]";
    private static final String FORGOTTEN = "[This result is not shown any more; call the tool again if it is needed.]";
    private static final String CONDENSED = "[The conversation so far, condensed because it became too long:]\n";
    private static final int BYTES_PER_TOKEN = 3;

    private final JsonMapper json;

    View(JsonMapper json) {
        this.json = json;
    }

    /**
     * How many results of a tool stay, by its name. They are forgotten that many at a time, so that the beginning of the view seldom
     * changes.
     */
    record Forgetting(Map<String, Integer> newest) {
        static final Forgetting NOTHING = new Forgetting(Map.of());
    }

    /** Messages, oldest first, and what stands for those before them. */
    record Source(List<MessageRow> rows, String condensed, Forgetting forgetting) {
        static Source of(List<MessageRow> rows, @Nullable Condensation condensation, Forgetting forgetting) {
            if (condensation == null) {
                return new Source(rows, "", forgetting);
            }
            for (int i = 0; i < rows.size(); i++) {
                if (rows.get(i).id().equals(condensation.messageId())) {
                    return new Source(rows.subList(i + 1, rows.size()), condensation.text(), forgetting);
                }
            }
            return new Source(rows, "", forgetting);
        }
    }

    /** Drops the oldest results if even the condensed view has more than {@code mostTokens}. */
    List<Message> of(Source source, long mostTokens) {
        List<Message> messages = shown(source);
        long tooMany = tokens(messages) - mostTokens;
        return tooMany > 0 ? shortened(messages, tooMany) : messages;
    }

    /** About how many tokens the whole view has. */
    long tokens(Source source) {
        return tokens(shown(source));
    }

    /** The oldest rows, so many that about {@code keptTokens} are left; calls and their results are not parted. May be empty. */
    List<MessageRow> oldest(Source source, long keptTokens) {
        long left = tokens(shown(source));
        int end = 0;
        List<MessageRow> rows = source.rows();
        for (int i = 1; i < rows.size() && left > keptTokens; i++) {
            left -= rows.get(i - 1).content().length() / BYTES_PER_TOKEN;
            if (!rows.get(i).role().equals("tool")) {
                end = i;
            }
        }
        return rows.subList(0, end);
    }

    /** Rows as messages, each call with its result. */
    List<Message> messages(List<MessageRow> rows) {
        Map<String, List<MessageRow>> byTurn = new LinkedHashMap<>();
        rows.forEach(row -> byTurn.computeIfAbsent(row.turnId(), ignored -> new ArrayList<>())
                .add(row));
        return byTurn.values().stream().map(this::paired).flatMap(List::stream).toList();
    }

    private List<Message> shown(Source source) {
        List<Message> messages = new ArrayList<>();
        if (!source.condensed().isEmpty()) {
            messages.add(new Message(
                    Message.Role.USER, List.of(new Content.Text(CONDENSED + source.condensed())), null, false));
        }
        messages.addAll(forgotten(messages(source.rows()), source.forgetting()));
        return messages;
    }

    private static List<Message> forgotten(List<Message> messages, Forgetting forgetting) {
        if (forgetting.newest().isEmpty()) {
            return messages;
        }
        Map<String, String> tools = new HashMap<>();
        messages.forEach(message -> message.content().stream()
                .filter(Content.ToolCall.class::isInstance)
                .map(Content.ToolCall.class::cast)
                .forEach(call -> tools.put(call.id(), call.name())));
        Map<String, Integer> toForget = new HashMap<>();
        messages.stream()
                .filter(message -> message.role() == Message.Role.TOOL)
                .forEach(message -> toForget.merge(tool(message, tools), 1, Integer::sum));
        toForget.replaceAll((tool, count) -> {
            Integer newest = forgetting.newest().get(tool);
            return newest == null ? 0 : Math.max(0, (count - newest) / newest * newest);
        });
        return messages.stream()
                .map(message -> message.role() == Message.Role.TOOL
                                && toForget.merge(tool(message, tools), -1, Integer::sum) >= 0
                        ? replaced(message, FORGOTTEN)
                        : message)
                .toList();
    }

    private static String tool(Message result, Map<String, String> tools) {
        return tools.getOrDefault(Objects.requireNonNullElse(result.toolCallId(), ""), "");
    }

    private static Message replaced(Message result, String text) {
        return new Message(Message.Role.TOOL, List.of(new Content.Text(text)), result.toolCallId(), result.isError());
    }

    private List<Message> shortened(List<Message> messages, long tooMany) {
        List<Message> kept = new ArrayList<>();
        long left = tooMany;
        for (int i = 0; i < messages.size(); i++) {
            Message message = messages.get(i);
            if (left > 0 && message.role() == Message.Role.TOOL && i < messages.size() - 1) {
                left -= tokens(List.of(message));
                kept.add(replaced(message, DROPPED));
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
