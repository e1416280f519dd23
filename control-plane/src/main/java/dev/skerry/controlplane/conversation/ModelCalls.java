package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import jakarta.annotation.PreDestroy;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** The model calls of this process, each on a thread of its own and at most one per number of a turn. */
@Component
class ModelCalls {
    private static final Logger log = LoggerFactory.getLogger(ModelCalls.class);
    private static final Duration GRACE = Duration.ofSeconds(10);

    private final Answering answering;
    private final Map<Key, OngoingCall> ongoing = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    ModelCalls(Answering answering) {
        this.answering = answering;
    }

    private record Key(String session, String turn, int seq) {}

    /** Starts the call, or joins the one that the same request started. */
    OngoingCall join(Caller caller, LlmRequest request) {
        String turn = request.turn();
        Integer seq = request.seq();
        if (turn == null || seq == null || seq < 1) {
            throw RefusedException.invalid("turn must be a turn's id and seq must count up from 1.");
        }
        Key key = new Key(caller.session(), turn, seq);
        return ongoing.computeIfAbsent(key, ignored -> start(key, caller, request));
    }

    private OngoingCall start(Key key, Caller caller, LlmRequest request) {
        OngoingCall call = new OngoingCall(caller, key.turn(), key.seq());
        Map<String, String> context = MDC.getCopyOfContextMap();
        threads.execute(() -> {
            if (context != null) {
                MDC.setContextMap(context);
            }
            MDC.put("turn", key.turn());
            run(key, call, request);
        });
        return call;
    }

    private void run(Key key, OngoingCall call, LlmRequest request) {
        try {
            call.answer(answering.answer(call, request));
        } catch (RefusedException e) {
            call.refuse(e.refusal());
        } catch (DataAccessException | TransactionException e) {
            log.warn("the store did not answer during a model call", e);
            call.refuse(new Refusal.Unavailable("The store does not answer at the moment.", 1));
        } catch (RuntimeException e) {
            log.error("a model call failed", e);
            call.refuse(new Refusal.Broken());
        } finally {
            ongoing.remove(key, call);
        }
    }

    /** Lets calls in progress be stored and settled, for as long as a shutdown may take. */
    @PreDestroy
    void stop() throws InterruptedException {
        threads.shutdown();
        if (!threads.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
            threads.shutdownNow();
            boolean ended = threads.awaitTermination(GRACE.toMillis(), TimeUnit.MILLISECONDS);
            log.info("stopped with model calls in progress, {}", ended ? "all settled" : "some to be settled later");
        }
    }
}
