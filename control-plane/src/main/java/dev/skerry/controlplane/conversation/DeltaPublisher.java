package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.event.StoredJson;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.store.Events;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows people an answer while it is made, in pieces that are worth a notification each. */
final class DeltaPublisher implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(DeltaPublisher.class);
    private static final long INTERVAL_MILLIS = 40;
    private static final int PIECE = 1200;

    private final Events events;
    private final StoredJson json;
    private final Caller caller;
    private final String turn;
    private final int seq;
    private final StringBuilder waiting = new StringBuilder();
    private final CountDownLatch over = new CountDownLatch(1);
    private final Thread thread;

    DeltaPublisher(Events events, StoredJson json, Caller caller, String turn, int seq) {
        this.events = events;
        this.json = json;
        this.caller = caller;
        this.turn = turn;
        this.seq = seq;
        this.thread = Thread.ofVirtual().start(this::run);
    }

    void add(String text) {
        synchronized (waiting) {
            waiting.append(text);
        }
    }

    private void run() {
        try {
            boolean last = false;
            while (!last) {
                last = over.await(INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
                publish(take());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            log.warn("session {}: an answer cannot be shown while it is made: {}", caller.session(), e.toString());
        }
    }

    private String take() {
        synchronized (waiting) {
            String text = waiting.toString();
            waiting.setLength(0);
            return text;
        }
    }

    private void publish(String text) {
        for (int start = 0; start < text.length(); ) {
            int end = Math.min(text.length(), start + PIECE);
            if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
                end--;
            }
            events.publishTransient(json.of(Map.of(
                    "session",
                    caller.session(),
                    "type",
                    "model.delta",
                    "at",
                    Instant.now().toString(),
                    "turn",
                    turn,
                    "incarnation",
                    caller.incarnation(),
                    "data",
                    Map.of("text", text.substring(start, end), "seq", seq))));
            start = end;
        }
    }

    /** Returns when the last piece is published, so that it comes before the answer itself. */
    @Override
    public void close() {
        over.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
