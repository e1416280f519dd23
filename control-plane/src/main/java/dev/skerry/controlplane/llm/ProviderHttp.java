package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelException.Kind;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Sends a streamed model call, once, and turns every way to fail into one exception. */
final class ProviderHttp {
    private static final MediaType JSON = MediaType.get("application/json");
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final Duration BETWEEN_BYTES = Duration.ofMinutes(2);
    private static final int MOST_TOLD = 300;
    private static final long MOST_ERROR_BYTES = 64 << 10;
    private static final Pattern SECONDS = Pattern.compile("\\d{1,6}(\\.\\d{1,3})?");
    private static final Pattern MILLIS = Pattern.compile("\\d{1,9}");

    /** Shared, so that a call finds a connection that an earlier one left open; it never repeats a request by itself. */
    static final OkHttpClient CLIENT = new OkHttpClient.Builder()
            .connectTimeout(CONNECT)
            .readTimeout(BETWEEN_BYTES)
            .followRedirects(false)
            .retryOnConnectionFailure(false)
            .connectionPool(new ConnectionPool(128, 5, TimeUnit.MINUTES))
            .build();

    private final JsonMapper json;
    private final String keyName;
    private final @Nullable Secret key;

    /** {@code keyName}: the setting that a person has to correct when the key is refused. */
    ProviderHttp(JsonMapper json, String keyName, @Nullable Secret key) {
        this.json = json;
        this.keyName = keyName;
        this.key = key;
    }

    /** Collects an answer from events. */
    interface Reader {
        /** Takes one event, a JSON object; answers true when the answer is whole. */
        boolean take(JsonNode data) throws ModelException;

        /** Whether the provider has begun to answer, so that it counts the call. */
        boolean begun();

        /** Whether the answer is whole when the stream ends here. */
        boolean whole();

        /** What the provider has said by now that the call used; null when it said nothing. */
        @Nullable
        Usage spent();

        ModelAnswer answer();
    }

    ModelAnswer stream(String url, Map<String, String> headers, JsonNode body, Duration deadline, Reader reader)
            throws ModelException {
        Request.Builder request = new Request.Builder()
                .url(url)
                .header("Accept", "text/event-stream")
                .post(RequestBody.create(json.writeValueAsBytes(body), JSON));
        headers.forEach(request::header);
        Call call = CLIENT.newCall(request.build());
        call.timeout().timeout(deadline.toNanos(), TimeUnit.NANOSECONDS);
        try (Response response = call.execute()) {
            demandStream(response);
            return read(new EventStream(response.body().source()), reader);
        } catch (IOException e) {
            throw broken(e, reader);
        } catch (JacksonException e) {
            throw failure(
                    Kind.UNAVAILABLE,
                    "The model provider sent something that is not its protocol. Check the base URL.",
                    reader,
                    null);
        }
    }

    private ModelAnswer read(EventStream events, Reader reader) throws IOException, ModelException {
        for (EventStream.Event event = events.next().orElse(null);
                event != null;
                event = events.next().orElse(null)) {
            boolean last = event.data().equals("[DONE]");
            if (last ? reader.whole() : reader.take(json.readTree(event.data()))) {
                return reader.answer();
            }
        }
        if (reader.whole()) {
            return reader.answer();
        }
        throw failure(
                Kind.UNAVAILABLE, "The model provider broke off in the middle of its answer. Try again.", reader, null);
    }

    private static ModelException broken(IOException e, Reader reader) {
        if (Thread.interrupted() || "interrupted".equals(e.getMessage())) {
            return failure(Kind.CANCELLED, "The model call was cancelled.", reader, e);
        }
        if (e instanceof InterruptedIOException && !(e instanceof SocketTimeoutException)) {
            return failure(Kind.UNAVAILABLE, "The model provider did not answer in time. Try again.", reader, e);
        }
        return failure(
                Kind.UNAVAILABLE,
                "The model provider cannot be reached or broke off ("
                        + e.getClass().getSimpleName() + "). Try again.",
                reader,
                e);
    }

    static ModelException failure(Kind kind, String message, Reader reader, @Nullable Throwable cause) {
        return new ModelException(kind, message, reader.begun(), null, reader.spent(), cause);
    }

    private void demandStream(Response response) throws IOException, ModelException {
        if (!response.isSuccessful()) {
            throw refused(response);
        }
        String type = response.header("Content-Type", "text/event-stream");
        if (type != null && !type.startsWith("text/event-stream")) {
            throw new ModelException(
                    Kind.REJECTED, "The model provider's answer is no stream of events. Check the base URL.");
        }
    }

    private ModelException refused(Response response) throws IOException {
        int status = response.code();
        JsonNode error = error(response.peekBody(MOST_ERROR_BYTES).string());
        if (status == 401 || status == 403) {
            return new ModelException(
                    Kind.UNAUTHORIZED,
                    "The model provider refused the key (HTTP " + status + "). Check "
                            + (key == null ? keyName : key.where(keyName)) + ".");
        }
        if (status == 429 && !error.path("code").asString("").equals("insufficient_quota")) {
            return new ModelException(
                    Kind.RATE_LIMITED,
                    "The model provider limits the rate (HTTP 429). Wait, or raise the limit with the provider.",
                    retryAfter(response));
        }
        return status >= 500
                ? new ModelException(
                        Kind.UNAVAILABLE,
                        "The model provider has trouble (HTTP " + status + "). Try again.",
                        retryAfter(response))
                : new ModelException(
                        Kind.REJECTED, "The model provider rejected the request (HTTP " + status + "): " + told(error));
    }

    private JsonNode error(String body) {
        try {
            return json.readTree(body).path("error");
        } catch (JacksonException e) {
            return json.missingNode();
        }
    }

    private String told(JsonNode error) {
        String message =
                error.isString() ? error.asString() : error.path("message").asString("no reason given");
        String clean = (key == null ? message : message.replace(key.value(), "***"))
                .replaceAll("[\\p{Cntrl}\\s]+", " ")
                .strip();
        return clean.length() > MOST_TOLD ? clean.substring(0, MOST_TOLD) : clean;
    }

    private static @Nullable Duration retryAfter(Response response) {
        String millis = response.header("retry-after-ms", "");
        if (millis != null && MILLIS.matcher(millis).matches()) {
            return Duration.ofMillis(Long.parseLong(millis));
        }
        String seconds = response.header("Retry-After", "");
        return seconds != null && SECONDS.matcher(seconds).matches()
                ? Duration.ofMillis(Math.round(Double.parseDouble(seconds) * 1000))
                : null;
    }
}
