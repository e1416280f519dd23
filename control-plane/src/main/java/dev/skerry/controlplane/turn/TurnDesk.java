package dev.skerry.controlplane.turn;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.conversation.OpenCalls;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.identity.Callers;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Money;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Incarnations.IncarnationRow;
import dev.skerry.store.Ledger;
import dev.skerry.store.Messages;
import dev.skerry.store.Messages.MessageRow;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import dev.skerry.store.Workspace;
import io.micrometer.core.instrument.MeterRegistry;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Says what a sandbox has to do: at once, or as soon as there is something. */
@Component
class TurnDesk {
    private static final Duration REREAD = Duration.ofSeconds(5);

    private final Callers callers;
    private final Turns turns;
    private final Messages messages;
    private final Workspace workspace;
    private final Ledger ledger;
    private final Incarnations incarnations;
    private final Wakeups wakeups;
    private final JsonMapper json;
    private final AtomicInteger waiting = new AtomicInteger();
    private final int mostWaiting;

    TurnDesk(
            Callers callers,
            Turns turns,
            Messages messages,
            Workspace workspace,
            Ledger ledger,
            Incarnations incarnations,
            Wakeups wakeups,
            JsonMapper json,
            MeterRegistry meters,
            ControlPlaneSettings settings) {
        this.mostWaiting = settings.limits().waiters();
        meters.gauge("skerry.polls.waiting", waiting);
        this.callers = callers;
        this.turns = turns;
        this.messages = messages;
        this.workspace = workspace;
        this.ledger = ledger;
        this.incarnations = incarnations;
        this.wakeups = wakeups;
        this.json = json;
    }

    /** Something to do: a turn or a directive. */
    sealed interface Work {
        record Turn(TurnView turn) implements Work {}

        record Directive(String directive) implements Work {}
    }

    /** Everything needed to go on after a death. */
    record State(
            int incarnation,
            @Nullable TurnView turn,
            List<JsonNode> openToolCalls,
            List<File> workspace,
            Budget budget) {}

    record File(String path, long size, String sha256) {}

    record Budget(BigDecimal remainingUsd) {}

    State state(Caller caller) {
        Optional<TurnRow> turn = turns.runningOn(caller.session(), caller.incarnation());
        List<MessageRow> said = turn.map(row -> messages.ofTurn(row.id())).orElse(List.of());
        return new State(
                caller.incarnation(),
                turn.map(row -> view(row, said)).orElse(null),
                OpenCalls.in(said, json).stream().map(OpenCalls.Call::block).toList(),
                workspace.files(caller.session()).stream()
                        .map(file -> new File(file.path(), file.size(), file.sha256()))
                        .toList(),
                new Budget(new Money(ledger.balance(caller.session()).remainingNanoUsd()).usd()));
    }

    /** Waits until there is something to do, at most so long; empty when there is not. */
    Optional<Work> next(Caller caller, Duration wait) throws InterruptedException {
        if (waiting.incrementAndGet() > mostWaiting) {
            waiting.decrementAndGet();
            throw new RefusedException(new Refusal.Unavailable("Too many polls wait here: poll again.", 2));
        }
        try (Wakeups.Subscription news = wakeups.subscribe(caller.session())) {
            return next(caller, System.nanoTime() + wait.toNanos(), news);
        } finally {
            waiting.decrementAndGet();
        }
    }

    private Optional<Work> next(Caller caller, long deadline, Wakeups.Subscription news) throws InterruptedException {
        while (true) {
            Optional<Work> work = work(caller);
            Duration left = Duration.ofNanos(deadline - System.nanoTime());
            if (work.isPresent() || !left.isPositive()) {
                return work;
            }
            if (wakeups.draining()) {
                throw new RefusedException(new Refusal.Unavailable(
                        "This control plane is about to stop: poll again, another one answers.", 1));
            }
            news.await(left.compareTo(REREAD) < 0 ? left : REREAD);
        }
    }

    /** What a sandbox that works on a turn is to do instead, if anything. */
    Optional<String> directive(Caller caller, String turnId) {
        Optional<TurnRow> turn = turns.find(caller.session(), turnId);
        boolean goOn = turn.isPresent()
                && !turn.get().over()
                && !turn.get().cancelRequested()
                && Integer.valueOf(caller.incarnation()).equals(turn.get().incarnation());
        return goOn
                ? incarnations.find(caller.session(), caller.incarnation()).map(IncarnationRow::directive)
                : Optional.of("cancel");
    }

    void flushed(Caller caller) {
        incarnations.flushed(caller.session(), caller.incarnation());
    }

    private Optional<Work> work(Caller caller) {
        String directive = callers.recheck(caller).directive();
        if (directive != null) {
            return Optional.of(new Work.Directive(directive));
        }
        return turns.runningOn(caller.session(), caller.incarnation())
                .map(turn -> turn.cancelRequested()
                        ? new Work.Directive("cancel")
                        : new Work.Turn(view(turn, messages.ofTurn(turn.id()))));
    }

    private TurnView view(TurnRow turn, List<MessageRow> said) {
        String input = said.stream()
                .filter(message -> message.role().equals("user"))
                .map(MessageRow::content)
                .findFirst()
                .orElse("[]");
        int calls = said.stream()
                .map(MessageRow::callSeq)
                .filter(Objects::nonNull)
                .mapToInt(Integer::intValue)
                .max()
                .orElse(0);
        return new TurnView(turn.id(), turn.attempt(), json.readTree(input), calls + 1);
    }
}
