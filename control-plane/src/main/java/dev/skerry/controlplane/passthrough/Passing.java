package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.budget.Books;
import dev.skerry.controlplane.budget.Measures;
import dev.skerry.controlplane.budget.Reserved;
import dev.skerry.controlplane.conversation.CallWatch;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelException;
import dev.skerry.controlplane.llm.ModelInfo;
import dev.skerry.controlplane.llm.Upstream;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.turn.Life;
import dev.skerry.controlplane.turn.TurnTraces;
import dev.skerry.controlplane.turn.Wakeups;
import dev.skerry.store.Incarnations;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import jakarta.annotation.PreDestroy;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import okhttp3.Call;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Passes a call on: checked, bounded and reserved before it leaves, settled whatever becomes of it and of whoever asked. */
@Component
class Passing {
    private static final Logger log = LoggerFactory.getLogger(Passing.class);
    private static final int SHORTEST_ANSWER_TOKENS = 1024;
    private static final int OVERHEAD_TOKENS = 512;
    private static final Duration GRACE = Duration.ofSeconds(5);

    private final ModelCatalogue catalogue;
    private final Turns turns;
    private final Incarnations incarnations;
    private final Wakeups wakeups;
    private final Life life;
    private final Books books;
    private final Measures measures;
    private final Records records;
    private final JsonMapper json;
    private final TurnTraces traces;
    private final Duration deadline;
    private final InFlight inFlight = new InFlight();

    Passing(
            ModelCatalogue catalogue,
            Turns turns,
            Incarnations incarnations,
            Wakeups wakeups,
            Life life,
            Books books,
            Measures measures,
            Records records,
            JsonMapper json,
            TurnTraces traces,
            ControlPlaneSettings settings) {
        this.catalogue = catalogue;
        this.turns = turns;
        this.incarnations = incarnations;
        this.wakeups = wakeups;
        this.life = life;
        this.books = books;
        this.measures = measures;
        this.records = records;
        this.json = json;
        this.traces = traces;
        this.deadline = settings.limits().modelCall();
    }

    /** Throws {@link NotPassed} or {@link RefusedException} for what is not passed on. */
    void pass(Dialect dialect, Caller caller, ObjectNode body, HttpServletResponse response) throws IOException {
        long arrived = System.nanoTime();
        ModelInfo model = model(dialect, body);
        boolean streamed = Rules.streamed(body);
        dialect.check(body);
        Upstream upstream = catalogue
                .upstream(dialect.provider())
                .orElseThrow(() -> new IllegalStateException("A listed model has a provider."));
        List<ModelInfo> models = withFallbacks(dialect, model);
        for (ModelInfo asked : models) {
            boolean last = asked.equals(models.getLast());
            ObjectNode own = last ? body : body.deepCopy();
            own.put("model", asked.id());
            Attempt attempt = new Attempt(dialect, caller, asked, own, streamed, last);
            if (!leftToOthers(attempt, upstream, response, arrived)) {
                return;
            }
            log.info("session {}: falling back from {}", caller.session(), asked.id());
        }
    }

    private record Attempt(
            Dialect dialect, Caller caller, ModelInfo model, ObjectNode body, boolean streamed, boolean last) {}

    /** The model, and those of the same provider that are to be asked where it is not available. */
    private List<ModelInfo> withFallbacks(Dialect dialect, ModelInfo model) {
        return Stream.concat(
                        Stream.of(model),
                        catalogue.fallbacks(model.id()).stream()
                                .map(ModelCatalogue.Offer::model)
                                .filter(other -> other.provider().equals(dialect.provider())))
                .toList();
    }

    /** Answers true when the caller was told nothing yet and another model is to be asked. */
    private boolean leftToOthers(Attempt attempt, Upstream upstream, HttpServletResponse response, long arrived)
            throws IOException {
        Dialect dialect = attempt.dialect();
        Caller caller = attempt.caller();
        ObjectNode body = attempt.body();
        Books.InTurn inTurn = reserve(dialect, caller, attempt.model(), body);
        TurnRow turn = inTurn.turn();
        Reserved reserved = inTurn.reserved();
        long start = System.nanoTime();
        Exchange exchange = new Exchange(
                dialect,
                reserved,
                caller,
                records,
                books,
                life,
                json,
                response,
                attempt.streamed(),
                upstream::betrayed,
                attempt.last());
        try {
            upstream.circuit().enter();
        } catch (ModelException e) {
            books.settleFailed(reserved, e, 0);
            throw new RefusedException(new Refusal.Unavailable(
                    "The model provider fails at the moment and is left alone for some seconds.", 5));
        }
        try {
            dialect.complete(body, reserved.outputTokens() / dialect.answers(body), upstream.openAiItself());
            Call call = upstream.call(dialect.path(), json.writeValueAsBytes(body), deadline);
            inFlight.enter(exchange, call);
            traces.run(turn, dialect.via(), () -> watched(call, caller, turn, exchange));
        } finally {
            upstream.circuit().ended(exchange.fault(), start);
            exchange.settleAtLast();
            inFlight.leave(exchange);
            if (exchange.answered()) {
                measures.added(dialect.via(), System.nanoTime() - arrived, exchange.providerNanos());
            }
        }
        return exchange.leftToOthers();
    }

    private void watched(Call call, Caller caller, TurnRow turn, Exchange exchange) throws IOException {
        try (CallWatch watch = new CallWatch(wakeups, turns, incarnations, caller.session(), turn.id(), call::cancel)) {
            exchange.run(call, watch);
        }
    }

    /** What outlasts a shutdown's patience is settled by what is known of it, and not left behind for others to settle in full. */
    @PreDestroy
    void stop() throws InterruptedException {
        inFlight.breakOff(GRACE);
    }

    private ModelInfo model(Dialect dialect, ObjectNode body) {
        String name = body.path("model").asString("");
        return catalogue
                .resolve(name)
                .map(ModelCatalogue.Offer::model)
                .filter(model -> model.provider().equals(dialect.provider()))
                .orElseThrow(() -> new NotPassed(
                        404, "model_not_found", "model", "This model is not offered here; GET /models lists what is."));
    }

    private Books.InTurn reserve(Dialect dialect, Caller caller, ModelInfo model, ObjectNode body) {
        int answers = dialect.answers(body);
        Optional<Integer> asked = dialect.mostOutput(body);
        int most = asked.orElse(model.maxOutputTokens());
        int least = asked.orElse(Math.min(most, SHORTEST_ANSWER_TOKENS));
        long inputTokens = Math.min(model.contextTokens(), json.writeValueAsBytes(body).length + OVERHEAD_TOKENS);
        return books.reserveInTurn(
                caller,
                dialect.via(),
                model,
                inputTokens,
                Math.multiplyExact(most, answers),
                Math.multiplyExact(least, answers));
    }
}
