package dev.skerry.api.event;

import dev.skerry.store.Events;
import dev.skerry.store.Events.EventRow;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import tools.jackson.databind.json.JsonMapper;

/**
 * One reader's view of a session's log: every durable event after the cursor exactly once and in order, deltas in between.
 *
 * <p>It runs on the request's own virtual thread. A wake-up only ever makes it read the log again, so a lost one costs a heartbeat's
 * time and never an event.
 */
final class EventStream {
    private static final Logger log = LoggerFactory.getLogger(EventStream.class);
    private static final int PAGE = 500;
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final byte[] HEARTBEAT = ": heartbeat\n\n".getBytes(StandardCharsets.US_ASCII);

    private final Events events;
    private final JsonMapper json;
    private final Clock clock;
    private final Duration heartbeat;
    private final String session;
    private final OutputStream out;
    private long cursor;
    private @Nullable String answeredTurn;
    private int answeredSeq;
    private boolean over;
    private boolean behind;

    EventStream(
            Events events,
            JsonMapper json,
            Clock clock,
            Duration heartbeat,
            String session,
            long cursor,
            OutputStream out) {
        this.events = events;
        this.json = json;
        this.clock = clock;
        this.heartbeat = heartbeat;
        this.session = session;
        this.cursor = cursor;
        this.out = out;
    }

    /** Returns when the session's last event was written or the subscription was closed; throws when the reader is gone. */
    void run(Subscription subscription) throws IOException, InterruptedException {
        look();
        out.flush();
        while (!over) {
            List<Subscription.Step> steps = subscription.await(behind ? RETRY : heartbeat);
            if (steps.isEmpty()) {
                out.write(HEARTBEAT);
                look();
            }
            for (Subscription.Step step : steps) {
                switch (step) {
                    case Subscription.Step.Look ignored -> look();
                    case Subscription.Step.Pass pass -> pass(pass.delta());
                    case Subscription.Step.Stop ignored -> over = true;
                }
            }
            out.flush();
        }
    }

    private void look() throws IOException {
        try {
            List<EventRow> page;
            do {
                page = over ? List.of() : events.list(session, cursor, PAGE);
                for (EventRow event : page) {
                    write(event);
                }
            } while (page.size() == PAGE);
            behind = false;
        } catch (DataAccessException e) {
            behind = true;
            log.warn("a stream could not read its log and will try again: {}", e.getMessage());
        }
    }

    private void write(EventRow event) throws IOException {
        if (over) {
            return;
        }
        frame("id: " + event.seq() + "\n", event.type(), EventView.of(event));
        cursor = event.seq();
        switch (event.type()) {
            case "session.terminated", "session.failed" -> over = true;
            case "model.response" -> {
                answeredTurn = event.turnId();
                answeredSeq = json.readTree(event.data()).path("seq").asInt(0);
            }
            default -> {}
        }
    }

    /** A piece of an answer that was delivered as a whole already would only confuse. */
    private void pass(Delta delta) throws IOException {
        boolean late = delta.turn() != null && delta.turn().equals(answeredTurn) && delta.seq() <= answeredSeq;
        if (!over && !late) {
            frame(
                    "",
                    "model.delta",
                    new EventView(null, "model.delta", clock.instant(), delta.turn(), null, delta.data()));
        }
    }

    private void frame(String id, String type, EventView event) throws IOException {
        out.write((id + "event: " + type + "\ndata: " + json.writeValueAsString(event) + "\n\n")
                .getBytes(StandardCharsets.UTF_8));
    }
}
