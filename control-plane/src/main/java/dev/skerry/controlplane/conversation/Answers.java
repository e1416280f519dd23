package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.budget.Books;
import dev.skerry.controlplane.budget.Reserved;
import dev.skerry.controlplane.event.SessionLog;
import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.controlplane.event.StoredText;
import dev.skerry.controlplane.llm.Content;
import dev.skerry.controlplane.llm.ModelAnswer;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Money;
import dev.skerry.session.Ulid;
import dev.skerry.store.Ledger;
import dev.skerry.store.Messages;
import dev.skerry.store.Messages.MessageRow;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Stores what a provider answered together with what it cost, before anybody is told. */
@Component
class Answers {
    private static final int LONGEST_EVENT_TEXT = 64 * 1024;
    /** A model's reasoning stays with the control plane. */
    private static final Set<String> SHOWN = Set.of("text", "tool_call");

    private static final int ATTEMPTS = 5;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

    private final Messages messages;
    private final Turns turns;
    private final Ledger ledger;
    private final Books books;
    private final SessionLog sessionLog;
    private final TransactionTemplate transactions;
    private final StoredJson stored;
    private final JsonMapper json;
    private final Ulid ids;

    Answers(
            Messages messages,
            Turns turns,
            Ledger ledger,
            Books books,
            SessionLog sessionLog,
            TransactionTemplate transactions,
            StoredJson stored,
            JsonMapper json,
            Ulid ids) {
        this.messages = messages;
        this.turns = turns;
        this.ledger = ledger;
        this.books = books;
        this.sessionLog = sessionLog;
        this.transactions = transactions;
        this.stored = stored;
        this.json = json;
        this.ids = ids;
    }

    /**
     * Settles in any case; stores the message unless the turn has ended meanwhile, and throws {@link RefusedException} then. A store
     * that is away for a moment is waited for: the answer is paid.
     */
    Answer store(OngoingCall call, Reserved reserved, ModelAnswer answer, Duration took) {
        return kept(call, reserved, answer, took)
                .orElseThrow(
                        () -> new RefusedException(new Refusal.TurnOver("The turn ended while the model answered.")));
    }

    private Optional<Answer> kept(OngoingCall call, Reserved reserved, ModelAnswer answer, Duration took) {
        for (int attempt = 1; ; attempt++) {
            try {
                return Objects.requireNonNull(transactions.execute(ignored -> keep(call, reserved, answer, took)));
            } catch (DuplicateKeyException e) {
                books.settleSurely(reserved, answer.usage());
                return Optional.of(
                        again(messages.answerTo(call.turn(), call.seq()).orElseThrow(() -> e)));
            } catch (RuntimeException e) {
                boolean away = e instanceof DataAccessException || e instanceof TransactionException;
                if (!away || attempt == ATTEMPTS || !paused(attempt)) {
                    books.settleSurely(reserved, answer.usage());
                    throw e;
                }
            }
        }
    }

    private static boolean paused(int attempt) {
        try {
            Thread.sleep(FIRST_PAUSE.multipliedBy(1L << (attempt - 1)));
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The answer to a call that was made before. */
    Answer again(MessageRow message) {
        Answer.Usage usage = ledger.settlement(message.turnId(), Objects.requireNonNullElse(message.callSeq(), 0))
                .map(settled -> new Answer.Usage(
                        settled.inputTokens(), settled.outputTokens(), new Money(settled.costNanoUsd()).usd()))
                .orElse(new Answer.Usage(0, 0, Money.ZERO.usd()));
        return view(message, usage, ledger.balance(message.sessionId()));
    }

    private Optional<Answer> keep(OngoingCall call, Reserved reserved, ModelAnswer answer, Duration took) {
        String session = call.caller().session();
        Money cost = reserved.model().cost(answer.usage());
        Answer.Usage usage =
                new Answer.Usage(answer.usage().allInputTokens(), answer.usage().outputTokens(), cost.usd());
        ledger.lock(reserved.callId());
        if (turns.find(session, call.turn()).map(TurnRow::over).orElse(true)) {
            books.settle(reserved, answer.usage());
            return Optional.empty();
        }
        List<Content> content = renamed(answer.content());
        MessageRow message = messages.appendAssistant(
                session,
                call.turn(),
                "msg_" + ids.next(),
                stored.of(content.toArray(Content[]::new)),
                call.seq(),
                answer.stopReason().code());
        sessionLog.append(
                session,
                "model.response",
                call.turn(),
                call.caller().incarnation(),
                Map.of(
                        "seq", call.seq(),
                        "model", reserved.model().id(),
                        "text", StoredText.of(text(content), LONGEST_EVENT_TEXT),
                        "tool_calls", toolCalls(content),
                        "stop_reason", answer.stopReason().code(),
                        "usage", usage,
                        "duration_ms", took.toMillis()));
        Ledger.Balance balance = books.settle(reserved, answer.usage()).orElseGet(() -> ledger.balance(session));
        return Optional.of(view(message, usage, balance));
    }

    /** Providers' ids are unique within an answer at best; the store's are within a session. */
    private List<Content> renamed(List<Content> content) {
        return content.stream()
                .<Content>map(block -> switch (block) {
                    case Content.ToolCall call ->
                        new Content.ToolCall("call_" + ids.next(), call.name(), call.arguments());
                    case Content.Text text -> text;
                    case Content.Image image -> image;
                    case Content.Opaque opaque -> opaque;
                    case Content.Thinking thinking -> thinking;
                })
                .toList();
    }

    private static String text(List<Content> content) {
        return content.stream()
                .filter(Content.Text.class::isInstance)
                .map(block -> ((Content.Text) block).text())
                .collect(Collectors.joining("\n"));
    }

    private static List<Map<String, String>> toolCalls(List<Content> content) {
        return content.stream()
                .filter(Content.ToolCall.class::isInstance)
                .map(Content.ToolCall.class::cast)
                .map(call -> Map.of("id", call.id(), "name", call.name()))
                .toList();
    }

    private Answer view(MessageRow message, Answer.Usage usage, Ledger.Balance balance) {
        List<JsonNode> content = json.readTree(message.content())
                .valueStream()
                .filter(block -> SHOWN.contains(block.path("type").asString("")))
                .toList();
        return new Answer(
                new Answer.Message(
                        message.id(),
                        message.role(),
                        Objects.requireNonNullElse(message.stopReason(), "end_turn"),
                        content),
                usage,
                new Answer.Budget(new Money(balance.remainingNanoUsd()).usd()));
    }
}
