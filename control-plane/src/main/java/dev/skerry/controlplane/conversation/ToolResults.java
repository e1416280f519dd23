package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.conversation.LlmRequest.Block;
import dev.skerry.controlplane.conversation.LlmRequest.NewMessage;
import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.controlplane.event.StoredText;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Ulid;
import dev.skerry.store.Messages;
import dev.skerry.store.Messages.MessageRow;
import dev.skerry.store.TurnRow;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/**
 * Takes the results of tools: once each, all of an answer's calls together, for open calls of the turn's last answer and for nothing
 * else.
 */
@Component
class ToolResults {
    /** What the runtime may add to an output that it cut, such as a note that it did. */
    private static final int NOTE_BYTES = 4096;

    private final Messages messages;
    private final TransactionTemplate transactions;
    private final JsonMapper json;
    private final StoredJson stored;
    private final Ulid ids;

    ToolResults(Messages messages, TransactionTemplate transactions, JsonMapper json, StoredJson stored, Ulid ids) {
        this.messages = messages;
        this.transactions = transactions;
        this.json = json;
        this.stored = stored;
        this.ids = ids;
    }

    private record Result(String callId, List<Map<String, String>> content, boolean isError) {}

    /** Stores the results, or finds them stored by the same request before; throws {@link RefusedException} otherwise. */
    void accept(TurnRow turn, @Nullable List<@Nullable NewMessage> newMessages, int longestBytes) {
        Map<String, Result> results = checked(newMessages == null ? List.of() : newMessages, longestBytes);
        transactions.executeWithoutResult(ignored -> accept(turn, results));
    }

    private void accept(TurnRow turn, Map<String, Result> results) {
        List<MessageRow> said = messages.ofTurn(turn.id());
        Set<String> open =
                OpenCalls.in(said, json).stream().map(OpenCalls.Call::id).collect(Collectors.toSet());
        if (open.isEmpty()) {
            results.values().forEach(result -> demandStored(said, result));
            return;
        }
        if (!results.keySet().equals(open)) {
            throw RefusedException.invalid(
                    "new_messages must hold one result for each open tool call, and nothing else: "
                            + open.stream().sorted().toList());
        }
        results.values()
                .forEach(result -> messages.appendToolResult(
                        turn.sessionId(),
                        turn.id(),
                        "msg_" + ids.next(),
                        stored.of(result.content()),
                        result.callId(),
                        result.isError()));
    }

    private void demandStored(List<MessageRow> said, Result result) {
        Set<String> ofLastAnswer = OpenCalls.ofLastAnswer(said, json).stream()
                .map(OpenCalls.Call::id)
                .collect(Collectors.toSet());
        Optional<MessageRow> before = said.stream()
                .filter(message -> result.callId().equals(message.toolCallId()))
                .filter(message -> ofLastAnswer.contains(result.callId()))
                .findFirst();
        boolean same = before.isPresent()
                && json.readTree(before.get().content()).equals(json.readTree(stored.of(result.content())));
        if (!same) {
            throw RefusedException.invalid("There is no open tool call " + result.callId() + ".");
        }
    }

    private static Map<String, Result> checked(List<@Nullable NewMessage> newMessages, int longestBytes) {
        Map<String, Result> results = new LinkedHashMap<>();
        for (NewMessage message : newMessages) {
            if (message == null || !"tool".equals(message.role())) {
                throw RefusedException.invalid("new_messages may hold messages of the role tool only.");
            }
            String callId = message.toolCallId();
            if (callId == null || callId.isEmpty() || callId.length() > 128) {
                throw RefusedException.invalid("tool_call_id must be the id of an open tool call.");
            }
            Result result = new Result(
                    callId, content(message.content(), longestBytes), Boolean.TRUE.equals(message.isError()));
            if (results.put(callId, result) != null) {
                throw RefusedException.invalid("Each tool call has one result; " + callId + " has two.");
            }
        }
        return results;
    }

    private static List<Map<String, String>> content(@Nullable List<@Nullable Block> blocks, int longestBytes) {
        if (blocks == null) {
            throw RefusedException.invalid("A tool result needs content.");
        }
        long bytes = 0;
        for (Block block : blocks) {
            if (block == null || !"text".equals(block.type()) || block.text() == null) {
                throw RefusedException.invalid("The content of a tool result is text blocks only.");
            }
            bytes += block.text().getBytes(StandardCharsets.UTF_8).length;
        }
        if (bytes > longestBytes + NOTE_BYTES) {
            throw new RefusedException(new Refusal.TooLarge(
                    "The output of one tool may have " + longestBytes + " bytes at most: cut it."));
        }
        return blocks.stream().map(ToolResults::block).toList();
    }

    private static Map<String, String> block(@Nullable Block block) {
        String text = block == null || block.text() == null ? "" : block.text();
        return Map.of("type", "text", "text", StoredText.of(text, Integer.MAX_VALUE));
    }
}
