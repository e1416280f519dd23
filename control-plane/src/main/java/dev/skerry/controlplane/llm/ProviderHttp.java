package dev.skerry.controlplane.llm;

import dev.skerry.controlplane.llm.ModelException.Kind;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Map;
import okhttp3.Call;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Sends a streamed model call and turns every way to fail into one exception. */
final class ProviderHttp {
    private static final MediaType JSON = MediaType.get("application/json");
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final Duration BETWEEN_BYTES = Duration.ofMinutes(2);
    private static final int MOST_TOLD = 300;

    private final OkHttpClient client;
    private final JsonMapper json;
    private final String keyName;

    /** {@code keyName}: the variable that a person has to correct when the key is refused. */
    ProviderHttp(JsonMapper json, String keyName) {
        this.json = json;
        this.keyName = keyName;
        this.client = new OkHttpClient.Builder()
                .connectTimeout(CONNECT)
                .readTimeout(BETWEEN_BYTES)
                .followRedirects(false)
                .build();
    }

    /** Collects an answer from events. */
    interface Reader {
        /** Takes one event; answers true when the answer is whole. */
        boolean take(EventStream.Event event) throws ModelException;

        /** Whether any part of the answer has come. */
        boolean begun();

        ModelAnswer answer() throws ModelException;
    }

    ModelAnswer stream(String url, Map<String, String> headers, JsonNode body, Duration deadline, Reader reader)
            throws ModelException {
        Request.Builder request = new Request.Builder()
                .url(url)
                .header("Accept", "text/event-stream")
                .post(RequestBody.create(json.writeValueAsBytes(body), JSON));
        headers.forEach(request::header);
        Call call = client.newBuilder().callTimeout(deadline).build().newCall(request.build());
        try (Response response = call.execute()) {
            if (!response.isSuccessful()) {
                throw refused(response);
            }
            EventStream events = new EventStream(response.body().source());
            while (true) {
                EventStream.Event event = events.next().orElse(null);
                if (event == null) {
                    throw new ModelException(
                            Kind.UNAVAILABLE,
                            "The model provider broke off in the middle of its answer. Try again.",
                            reader.begun(),
                            null,
                            null);
                }
                if (reader.take(event)) {
                    return reader.answer();
                }
            }
        } catch (IOException e) {
            if (Thread.interrupted()
                    || (e instanceof InterruptedIOException && !"timeout".equals(e.getMessage()) && isInterrupt(e))) {
                throw new ModelException(Kind.CANCELLED, "The model call was cancelled.", reader.begun(), null, e);
            }
            throw new ModelException(
                    Kind.UNAVAILABLE,
                    "The model provider cannot be reached or broke off ("
                            + e.getClass().getSimpleName() + "). Try again.",
                    reader.begun(),
                    null,
                    e);
        } catch (JacksonException e) {
            throw new ModelException(
                    Kind.UNAVAILABLE,
                    "The model provider sent something that is not its protocol. Check the base URL.",
                    reader.begun(),
                    null,
                    null);
        }
    }

    private static boolean isInterrupt(IOException e) {
        return "interrupted".equals(e.getMessage());
    }

    private ModelException refused(Response response) throws IOException {
        int status = response.code();
        String told = told(response.peekBody(64 << 10).string());
        return switch (status) {
            case 401, 403 ->
                new ModelException(
                        Kind.UNAUTHORIZED,
                        "The model provider refused the key (HTTP " + status + "). Check " + keyName + ".",
                        false,
                        null,
                        null);
            case 429 ->
                new ModelException(
                        Kind.RATE_LIMITED,
                        "The model provider limits the rate (HTTP 429). Wait, or raise the limit with the provider.",
                        false,
                        retryAfter(response),
                        null);
            default ->
                status >= 500
                        ? new ModelException(
                                Kind.UNAVAILABLE,
                                "The model provider has trouble (HTTP " + status + "). Try again.",
                                false,
                                retryAfter(response),
                                null)
                        : new ModelException(
                                Kind.REJECTED,
                                "The model provider rejected the request (HTTP " + status + "): " + told,
                                false,
                                null,
                                null);
        };
    }

    private String told(String body) {
        String message;
        try {
            JsonNode error = json.readTree(body).path("error");
            message =
                    error.isString() ? error.asString() : error.path("message").asString("no reason given");
        } catch (JacksonException e) {
            message = "no reason given";
        }
        String clean = message.replaceAll("(?i)\\b(sk|key|bearer)[-_ ][\\w*-]{4,}", "***")
                .replaceAll("\\s+", " ");
        return clean.length() > MOST_TOLD ? clean.substring(0, MOST_TOLD) : clean;
    }

    private static @Nullable Duration retryAfter(Response response) {
        String value = response.header("Retry-After");
        return value != null && value.matches("\\d{1,5}") ? Duration.ofSeconds(Long.parseLong(value)) : null;
    }
}
