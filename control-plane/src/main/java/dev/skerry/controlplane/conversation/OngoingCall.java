package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Refusal;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One model call in progress, whoever listens: it goes on when a sandbox disconnects, and a repeat of the request joins it instead of
 * making another.
 */
final class OngoingCall {
    private final Caller caller;
    private final String turn;
    private final int seq;
    private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();
    private final StringBuilder text = new StringBuilder();
    private final long start = System.nanoTime();
    private boolean begun;
    private @Nullable News end;

    OngoingCall(Caller caller, String turn, int seq) {
        this.caller = caller;
        this.turn = turn;
        this.seq = seq;
    }

    /** What listeners are told. */
    sealed interface News {
        /** The request was in order and the provider is being asked. */
        record Begun() implements News {}

        record Delta(String text) implements News {}

        record Answered(Answer answer) implements News {}

        record Refused(Refusal refusal) implements News {}
    }

    Caller caller() {
        return caller;
    }

    String turn() {
        return turn;
    }

    int seq() {
        return seq;
    }

    /** Hears everything that was said so far, and what will be. */
    synchronized Listener listen() {
        Listener listener = new Listener();
        if (begun) {
            listener.news.add(new News.Begun());
        }
        if (!text.isEmpty()) {
            listener.news.add(new News.Delta(text.toString()));
        }
        if (end != null) {
            listener.news.add(end);
        }
        listeners.add(listener);
        return listener;
    }

    synchronized void begin() {
        if (!begun) {
            begun = true;
            tell(new News.Begun());
        }
    }

    synchronized void delta(String piece) {
        text.append(piece);
        tell(new News.Delta(piece));
    }

    synchronized void answer(Answer answer) {
        finish(new News.Answered(answer));
    }

    synchronized void refuse(Refusal refusal) {
        finish(new News.Refused(refusal));
    }

    /** Nanoseconds since it was asked for. */
    long age() {
        return System.nanoTime() - start;
    }

    /** UTF-8 bytes of the answer so far are at most three times this. */
    synchronized int charactersSoFar() {
        return text.length();
    }

    private void finish(News last) {
        if (end == null) {
            end = last;
            tell(last);
        }
    }

    private void tell(News news) {
        listeners.forEach(listener -> listener.news.add(news));
    }

    /** One request that waits for the answer. */
    final class Listener implements AutoCloseable {
        private final BlockingQueue<News> news = new LinkedBlockingQueue<>();

        private Listener() {}

        /** Waits for the next piece of news; null when there is none in time. */
        @Nullable
        News next(Duration atMost) throws InterruptedException {
            return news.poll(atMost.toNanos(), TimeUnit.NANOSECONDS);
        }

        @Override
        public void close() {
            listeners.remove(this);
        }
    }
}
