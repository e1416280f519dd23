package dev.skerry.cli.client;

import dev.skerry.cli.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/**
 * A session's events, one after the other, without gap or repeat: a broken connection is made anew from the last numbered event.
 *
 * <p>Read by one thread; {@link #close} may come from another.
 */
public final class EventStream implements AutoCloseable {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    /** Without any event or heartbeat for as many attempts, the server is taken to be gone. */
    private static final int ATTEMPTS = 8;

    private static final long MAX_LINE_BYTES = 4 * 1024 * 1024;

    private final ApiClient api;
    private final OkHttpClient http;
    private final String session;
    private volatile @Nullable Call call;
    private volatile boolean closed;
    private @Nullable Response response;
    private long last;
    private boolean ended;
    private int failures;

    EventStream(ApiClient api, OkHttpClient http, String session, long after) {
        this.api = api;
        this.http = http;
        this.session = session;
        this.last = after;
    }

    /** The next event; empty when the session has ended or this stream was closed. Fails when the server stays away. */
    public Optional<SessionEvent> next() {
        while (!closed && !ended) {
            try {
                Optional<SessionEvent> event = read(connected());
                if (event.isPresent() && isNew(event.get())) {
                    return event;
                }
            } catch (IOException e) {
                disconnect();
                if (!closed) {
                    pauseOrGiveUp(new ApiClient.Lost(api.base(), false, e));
                }
            } catch (ApiClient.Lost e) {
                disconnect();
                pauseOrGiveUp(e);
            } catch (ApiProblem e) {
                disconnect();
                if (e.status() < 500 && e.status() != 429) {
                    throw e;
                }
                pauseOrGiveUp(e);
            }
        }
        return Optional.empty();
    }

    /** Number of the last event read. */
    public long last() {
        return last;
    }

    @Override
    public void close() {
        closed = true;
        Call current = call;
        if (current != null) {
            current.cancel();
        }
    }

    private boolean isNew(SessionEvent event) {
        if (event.id() > 0) {
            if (event.id() <= last) {
                return false;
            }
            last = event.id();
        }
        ended = event.isLast();
        return true;
    }

    private Response connected() {
        Response current = response;
        if (current == null) {
            Request request = api.request("sessions/" + session + "/events")
                    .header("Accept", "text/event-stream")
                    .header("Last-Event-ID", Long.toString(last))
                    .build();
            Call next = http.newCall(request);
            call = next;
            current = api.execute(next);
            response = current;
        }
        return current;
    }

    private void disconnect() {
        if (response != null) {
            response.close();
            response = null;
        }
    }

    /** One event of the stream; empty for a comment. */
    private Optional<SessionEvent> read(Response from) throws IOException {
        BufferedSource source = from.body().source();
        StringBuilder data = new StringBuilder();
        while (true) {
            String line = source.readUtf8LineStrict(MAX_LINE_BYTES);
            failures = 0;
            if (line.isEmpty()) {
                return data.isEmpty() ? Optional.empty() : Optional.of(parse(data.toString()));
            }
            if (line.startsWith("data:")) {
                data.append(line, line.startsWith("data: ") ? 6 : 5, line.length())
                        .append('\n');
            }
        }
    }

    private static SessionEvent parse(String data) throws IOException {
        try {
            return SessionEvent.of(Json.MAPPER.readTree(data));
        } catch (JacksonException e) {
            throw new IOException("an event is not JSON", e);
        }
    }

    private void pauseOrGiveUp(RuntimeException cause) {
        failures++;
        if (failures >= ATTEMPTS) {
            throw cause;
        }
        Duration pause = FIRST_PAUSE.multipliedBy(1L << (failures - 1));
        try {
            Thread.sleep(pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            closed = true;
        }
    }
}
