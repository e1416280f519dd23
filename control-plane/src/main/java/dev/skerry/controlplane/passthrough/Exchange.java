package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.budget.Books;
import dev.skerry.controlplane.budget.Reserved;
import dev.skerry.controlplane.conversation.CallWatch;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.llm.ModelException;
import dev.skerry.controlplane.llm.Usage;
import dev.skerry.controlplane.turn.Life;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import okhttp3.Call;
import okhttp3.Response;
import okio.BufferedSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One call on its way: bytes go from the provider to the caller as they come, and what they say of the cost is read in passing.
 *
 * <p>What the call cost is settled before its last bytes are handed on, so that the caller's next call finds the books in order. A
 * caller that goes away does not stop the provider's answer from being read to its end: it is paid.
 */
final class Exchange {
    private static final Logger log = LoggerFactory.getLogger(Exchange.class);
    private static final long LONGEST_ANSWER = 64L << 20;
    private static final int BYTES_PER_TOKEN = 2;
    private static final int TOO_MANY = 429;
    private static final int MOST_AT_ONCE = 16 * 1024;
    private static final List<String> HEADERS = List.of("Retry-After", "retry-after-ms", "request-id", "x-request-id");

    private final Dialect dialect;
    private final Reserved reserved;
    private final Caller caller;
    private final Records records;
    private final Books books;
    private final Life life;
    private final JsonMapper json;
    private final HttpServletResponse response;
    private final boolean streamed;
    private final Predicate<String> betrays;
    private final boolean last;
    private final Meter meter;
    private final long start = System.nanoTime();
    private boolean settled;
    private boolean callerGone;
    private String outcome = "failed";
    private boolean fault;
    private boolean answered;
    private boolean leftToOthers;
    private long providerNanos;

    Exchange(
            Dialect dialect,
            Reserved reserved,
            Caller caller,
            Records records,
            Books books,
            Life life,
            JsonMapper json,
            HttpServletResponse response,
            boolean streamed,
            Predicate<String> betrays,
            boolean last) {
        this.dialect = dialect;
        this.reserved = reserved;
        this.caller = caller;
        this.records = records;
        this.books = books;
        this.life = life;
        this.json = json;
        this.response = response;
        this.streamed = streamed;
        this.betrays = betrays;
        this.last = last;
        this.meter = dialect.meter();
    }

    /** Answers the caller, with the provider's answer or with an error of the same form. */
    void run(Call call, CallWatch watch) throws IOException {
        long sent = System.nanoTime();
        try (Response answer = call.execute()) {
            providerNanos += System.nanoTime() - sent;
            if (!answer.isSuccessful()) {
                refuse(answer);
            } else if (streamed) {
                stream(answer);
            } else {
                whole(answer);
            }
        } catch (IOException e) {
            breakOff(watch, e);
        }
    }

    private void refuse(Response answer) throws IOException {
        int status = answer.code();
        outcome = status == TOO_MANY ? "model_rate_limited" : status >= 500 ? "model_unavailable" : "model_rejected";
        fault = status >= 500;
        settle(new ModelException(ModelException.Kind.REJECTED, outcome, false, null, null, null));
        if (!last && (status == TOO_MANY || fault)) {
            leftToOthers = true;
            return;
        }
        String body = answer.peekBody(MOST_AT_ONCE).string();
        if (status == 401 || status == 403 || (status >= 300 && status < 400) || betrays.test(body)) {
            refuseInstallation(status);
            return;
        }
        head(answer, status, "application/json");
        send(answer.body().bytes());
    }

    /** What the provider says here is for the operator and may hold the key. */
    private void refuseInstallation(int status) throws IOException {
        log.warn("session {}: the provider answered a passed call with HTTP {}", caller.session(), status);
        new ProviderError(
                        502,
                        "model_unauthorized",
                        null,
                        "The model provider refused this installation (HTTP " + status
                                + "): its operator has to check the key and the base URL.",
                        null)
                .write(dialect, json, response);
    }

    private void whole(Response answer) throws IOException {
        BufferedSource source = answer.body().source();
        long waiting = System.nanoTime();
        if (source.request(LONGEST_ANSWER)) {
            throw new IOException("The answer is longer than any.");
        }
        meter.begin();
        byte[] bytes = source.readByteArray();
        providerNanos += System.nanoTime() - waiting;
        try {
            meter.whole(json.readTree(bytes));
        } catch (JacksonException e) {
            log.warn("session {}: a passed answer is not JSON", caller.session());
        }
        settleAnsweredAnyhow();
        if (betrays.test(new String(bytes, StandardCharsets.UTF_8))) {
            refuseInstallation(200);
            return;
        }
        head(answer, 200, "application/json");
        send(bytes);
    }

    private void stream(Response answer) throws IOException {
        head(answer, 200, "text/event-stream");
        response.setHeader("Cache-Control", "no-store");
        BufferedSource source = answer.body().source();
        Lines lines = new Lines(this::event);
        long bytes = 0;
        while (!waited(source)) {
            byte[] piece = source.readByteArray(Math.min(source.getBuffer().size(), MOST_AT_ONCE));
            bytes += piece.length;
            if (bytes > LONGEST_ANSWER) {
                throw new IOException("The answer is longer than any.");
            }
            lines.take(piece);
            send(piece);
            life.sign(caller);
        }
        settleAnsweredAnyhow();
    }

    private boolean waited(BufferedSource source) throws IOException {
        long waiting = System.nanoTime();
        boolean exhausted = source.exhausted();
        providerNanos += System.nanoTime() - waiting;
        return exhausted;
    }

    private void event(String data) {
        if (data.equals("[DONE]")) {
            settleAnswered();
            return;
        }
        try {
            JsonNode event = json.readTree(data);
            if (event.isObject() && meter.event(event)) {
                settleAnswered();
            }
        } catch (JacksonException e) {
            log.debug("session {}: a passed event is not JSON", caller.session());
        }
    }

    private void head(Response answer, int status, String type) {
        response.setStatus(status);
        response.setContentType(answer.header("Content-Type", type));
        for (String name : HEADERS) {
            String value = answer.header(name);
            if (value != null && !betrays.test(value)) {
                response.setHeader(name, value);
            }
        }
    }

    private void send(byte[] bytes) {
        if (callerGone) {
            return;
        }
        try {
            OutputStream output = response.getOutputStream();
            output.write(bytes);
            output.flush();
        } catch (IOException e) {
            callerGone = true;
            log.debug("session {}: the caller went away, reading on for the books", caller.session());
        }
    }

    private void breakOff(CallWatch watch, IOException e) throws IOException {
        boolean over = watch.brokeOff();
        outcome = over ? "model_cancelled" : "model_unavailable";
        fault = !over;
        log.info("session {}: a passed call broke off: {}", caller.session(), over ? "its turn is over" : e.toString());
        settleAtLast();
        if (!last && !over && !meter.begun() && !response.isCommitted()) {
            leftToOthers = true;
            return;
        }
        ProviderError error = over
                ? new ProviderError(409, "turn_over", null, "The turn was cancelled or ended meanwhile.", null)
                : new ProviderError(502, "model_unavailable", null, "The model provider broke off. Try again.", 1);
        if (response.isCommitted()) {
            send(("event: error\ndata: " + new String(error.body(dialect, json), StandardCharsets.UTF_8) + "\n\n")
                    .getBytes(StandardCharsets.UTF_8));
        } else {
            error.write(dialect, json, response);
        }
    }

    private void settleAnswered() {
        Usage usage = meter.usage();
        if (!settled && usage != null) {
            settled = true;
            answered = true;
            records.answered(reserved, meter, usage, Duration.ofNanos(System.nanoTime() - start));
        }
    }

    /** For an answer that ended as it should; what the provider did not count is estimated. */
    private void settleAnsweredAnyhow() {
        settleAnswered();
        if (!settled && meter.begun()) {
            settled = true;
            answered = true;
            Usage usage = new Usage(
                    reserved.inputTokens() / BYTES_PER_TOKEN, meter.characters() / BYTES_PER_TOKEN + 1, 0, 0, true);
            records.answered(reserved, meter, usage, Duration.ofNanos(System.nanoTime() - start));
        }
    }

    private void settle(ModelException failure) {
        if (!settled) {
            settled = true;
            books.settleFailed(reserved, failure, meter.characters());
        }
    }

    /** Whether nothing of an answer has come and nothing was said to the caller, so that another model may be asked. */
    boolean leftToOthers() {
        return leftToOthers;
    }

    /** Whether the caller got an answer and not an error. */
    boolean answered() {
        return answered;
    }

    /** How long this process waited for the provider. */
    long providerNanos() {
        return providerNanos;
    }

    /** Whether the provider failed, rather than the request. */
    boolean fault() {
        return fault;
    }

    /** Settles a call that nobody settled yet, by what is known of it. */
    void settleAtLast() {
        if (settled) {
            return;
        }
        boolean cancelled = outcome.equals("model_cancelled");
        settle(new ModelException(
                cancelled ? ModelException.Kind.CANCELLED : ModelException.Kind.UNAVAILABLE,
                outcome,
                meter.begun(),
                null,
                meter.usage(),
                null));
    }
}
