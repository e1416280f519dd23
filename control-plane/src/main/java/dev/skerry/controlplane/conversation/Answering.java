package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.budget.Books;
import dev.skerry.controlplane.budget.Measures;
import dev.skerry.controlplane.budget.Purpose;
import dev.skerry.controlplane.budget.Reserved;
import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.llm.ModelAnswer;
import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelCatalogue.Offer;
import dev.skerry.controlplane.llm.ModelException;
import dev.skerry.controlplane.llm.ModelRequest;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.profile.Profile;
import dev.skerry.controlplane.profile.Profiles;
import dev.skerry.controlplane.turn.TurnTraces;
import dev.skerry.controlplane.turn.Wakeups;
import dev.skerry.store.Events;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Messages;
import dev.skerry.store.Messages.MessageRow;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import dev.skerry.store.TurnRow;
import dev.skerry.store.Turns;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Answers one model call: checks it, takes its tool results, reserves, asks the provider, stores and settles, and only then answers. */
@Component
class Answering {
    private static final Logger log = LoggerFactory.getLogger(Answering.class);
    private static final int SHORTEST_ANSWER_TOKENS = 1024;

    private final Turns turns;
    private final Messages messages;
    private final Sessions sessions;
    private final Incarnations incarnations;
    private final Events events;
    private final Profiles profiles;
    private final ModelCatalogue catalogue;
    private final ToolResults toolResults;
    private final Prompts prompts;
    private final Books books;
    private final Measures measures;
    private final Answers answers;
    private final Wakeups wakeups;
    private final StoredJson json;
    private final TurnTraces traces;

    Answering(
            Turns turns,
            Messages messages,
            Sessions sessions,
            Incarnations incarnations,
            Events events,
            Profiles profiles,
            ModelCatalogue catalogue,
            ToolResults toolResults,
            Prompts prompts,
            Books books,
            Measures measures,
            Answers answers,
            Wakeups wakeups,
            StoredJson json,
            TurnTraces traces) {
        this.turns = turns;
        this.messages = messages;
        this.sessions = sessions;
        this.incarnations = incarnations;
        this.events = events;
        this.profiles = profiles;
        this.catalogue = catalogue;
        this.toolResults = toolResults;
        this.prompts = prompts;
        this.books = books;
        this.measures = measures;
        this.answers = answers;
        this.wakeups = wakeups;
        this.json = json;
        this.traces = traces;
    }

    /** Throws {@link RefusedException} for everything that is not an answer; whatever was reserved is settled by then. */
    Answer answer(OngoingCall call, LlmRequest request) {
        TurnRow turn = running(call);
        Optional<MessageRow> stored = messages.answerTo(turn.id(), call.seq());
        if (stored.isPresent()) {
            return answers.again(stored.get());
        }
        Profile profile = profiles.of(turn.sessionId());
        demandNext(call, profile);
        Offer offer = offer(turn.sessionId());
        toolResults.accept(turn, request.newMessages(), profile.toolOutputBytes());
        return traces.call(
                turn, "llm", () -> ask(call, offers(offer), other -> prompts.of(call, turn, profile, other, request)));
    }

    private List<Offer> offers(Offer first) {
        return Stream.concat(Stream.of(first), catalogue.fallbacks(first.model().id()).stream())
                .toList();
    }

    /** Asks the first that is available; nobody else once anything of an answer has come. */
    private Answer ask(OngoingCall call, List<Offer> offers, Function<Offer, ModelRequest> prompt) {
        for (int i = 0; ; i++) {
            Offer offer = offers.get(i);
            ModelRequest longest = prompt.apply(offer);
            Reserved reserved = reserve(call, offer, longest);
            call.begin();
            try {
                return ask(call, offer, reserved, Prompts.shorter(longest, reserved.outputTokens()));
            } catch (ModelFailure e) {
                if (i == offers.size() - 1 || !othersMayDo(e.failure())) {
                    throw new RefusedException(e.refusal());
                }
                log.info(
                        "session {}: falling back from {}",
                        call.caller().session(),
                        offer.model().id());
            }
        }
    }

    private static boolean othersMayDo(ModelException e) {
        return !e.streamed()
                && switch (e.kind()) {
                    case UNAVAILABLE, RATE_LIMITED, UNAUTHORIZED -> true;
                    case REJECTED, CANCELLED -> false;
                };
    }

    private Reserved reserve(OngoingCall call, Offer offer, ModelRequest prompt) {
        Caller caller = call.caller();
        return books.reserve(
                new Purpose(caller.session(), call.turn(), caller.incarnation(), call.seq(), "native"),
                offer.model(),
                catalogue.inputTokenUpperBound(offer.model(), prompt),
                prompt.maxOutputTokens(),
                Math.min(prompt.maxOutputTokens(), SHORTEST_ANSWER_TOKENS));
    }

    private Answer ask(OngoingCall call, Offer offer, Reserved reserved, ModelRequest prompt) {
        long start = System.nanoTime();
        ModelAnswer answer;
        try {
            answer = watched(call, offer, prompt);
        } catch (ModelFailure e) {
            books.settleFailed(reserved, e.failure(), call.charactersSoFar());
            throw e;
        } catch (RuntimeException | Error e) {
            books.settleUnknown(reserved, call.charactersSoFar(), "failed");
            throw e;
        }
        long provider = System.nanoTime() - start;
        Answer stored = answers.store(call, reserved, answer, Duration.ofNanos(provider));
        measures.added("native", call.age(), provider);
        return stored;
    }

    private ModelAnswer watched(OngoingCall call, Offer offer, ModelRequest prompt) {
        Thread worker = Thread.currentThread();
        try (CallWatch watch =
                new CallWatch(wakeups, turns, incarnations, call.caller().session(), call.turn(), worker::interrupt)) {
            return generate(call, offer, prompt, watch);
        } finally {
            Thread.interrupted();
        }
    }

    private ModelAnswer generate(OngoingCall call, Offer offer, ModelRequest prompt, CallWatch watch) {
        try (DeltaPublisher publisher = new DeltaPublisher(events, json, call.caller(), call.turn(), call.seq())) {
            return offer.provider().generate(prompt, piece -> {
                call.delta(piece);
                publisher.add(piece);
            });
        } catch (ModelException e) {
            log.info("session {} turn {}: {}", call.caller().session(), call.turn(), e.getMessage());
            throw new ModelFailure(e, refusal(e, watch));
        }
    }

    private static Refusal refusal(ModelException e, CallWatch watch) {
        if (watch.brokeOff()) {
            return new Refusal.TurnOver("The turn was cancelled or ended while the model answered.");
        }
        String message = e.getMessage() == null ? "The model provider did not answer." : e.getMessage();
        return e.kind() == ModelException.Kind.CANCELLED
                ? new Refusal.Unavailable("The control plane is shutting down: ask again.", 1)
                : new Refusal.ModelFailed(e.kind().reason(), message);
    }

    private TurnRow running(OngoingCall call) {
        TurnRow turn = turns.find(call.caller().session(), call.turn())
                .orElseThrow(() -> RefusedException.invalid("This session has no such turn."));
        boolean mine = Integer.valueOf(call.caller().incarnation()).equals(turn.incarnation());
        if (turn.over() || turn.cancelRequested() || !mine) {
            throw new RefusedException(
                    new Refusal.TurnOver("This turn is over, was cancelled, or was not given to this incarnation."));
        }
        return turn;
    }

    private void demandNext(OngoingCall call, Profile profile) {
        int next = messages.nextCallSeq(call.turn());
        if (call.seq() != next) {
            throw RefusedException.invalid("The next model call of this turn has the number " + next + ".");
        }
        if (next > profile.maxSteps()) {
            throw new RefusedException(
                    new Refusal.Denied("A turn may make " + profile.maxSteps() + " model calls: report its outcome."));
        }
    }

    private Offer offer(String session) {
        String model = sessions.find(session).map(SessionRow::model).orElse("");
        return catalogue
                .resolve(model)
                .orElseThrow(() -> new RefusedException(new Refusal.ModelFailed(
                        "model_rejected", "The session's model '" + model + "' is not offered any more.")));
    }

    /** Carries a provider's failure past the resources that are to be closed. */
    private static final class ModelFailure extends RuntimeException {
        private final transient ModelException failure;
        private final transient Refusal refusal;

        ModelFailure(ModelException failure, Refusal refusal) {
            super(failure);
            this.failure = failure;
            this.refusal = refusal;
        }

        ModelException failure() {
            return failure;
        }

        Refusal refusal() {
            return refusal;
        }
    }
}
