package dev.skerry.activities.http;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.SenderContext;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sends and receives JSON at one base URL with one bearer token.
 *
 * <p>Every call has a deadline, and is observed under the given name with its operation and outcome; nothing of its content is.
 */
public final class JsonHttp {
    private static final MediaType JSON = MediaType.get("application/json");
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final int MOST_BYTES = 16 << 20;

    private final OkHttpClient client;
    private final HttpUrl base;
    private final String token;
    private final JsonMapper mapper;
    private final ObservationRegistry observations;
    private final String name;

    /**
     * Prepares calls.
     *
     * @param name what the calls are observed as, such as {@code skerry.provider.call}
     * @param base with or without a trailing slash
     */
    public JsonHttp(String name, String base, String token, JsonMapper mapper, ObservationRegistry observations) {
        this.name = name;
        this.base = HttpUrl.get(base.endsWith("/") ? base : base + "/");
        this.token = token;
        this.mapper = mapper;
        this.observations = observations;
        this.client = new OkHttpClient.Builder()
                .connectTimeout(CONNECT)
                .followRedirects(false)
                .build();
    }

    /**
     * What came back.
     *
     * @param body null when the answer was not JSON, such as a proxy's HTML page
     * @param retryAfter null when the answer names none
     */
    public record Answer(
            int status, @Nullable JsonNode body, @Nullable Duration retryAfter) {
        public boolean successful() {
            return status >= 200 && status < 300;
        }
    }

    /**
     * Calls and reads the whole answer within the deadline.
     *
     * @param operation low-cardinality name for the metric
     * @param path below the base, without a leading slash, may carry a query
     * @throws IOException when it is unknown whether the call had an effect
     */
    public Answer call(String operation, String method, String path, @Nullable Object body, Duration deadline)
            throws IOException {
        Request.Builder request = request(method, path, body);
        SenderContext<Request.Builder> context = new SenderContext<>(JsonHttp::header);
        context.setCarrier(request);
        Observation observation = Observation.createNotStarted(name, () -> context, observations)
                .lowCardinalityKeyValue("operation", operation)
                .lowCardinalityKeyValue("host", base.host());
        return observation.observeChecked(() -> {
            Answer answer = exchange(request.build(), deadline);
            observation.lowCardinalityKeyValue("status", Integer.toString(answer.status()));
            return answer;
        });
    }

    private static void header(Request.@Nullable Builder request, String name, String value) {
        if (request != null) {
            request.header(name, value);
        }
    }

    private Request.Builder request(String method, String path, @Nullable Object body) {
        HttpUrl url = base.resolve(path);
        if (url == null) {
            throw new IllegalArgumentException("not a path: " + path);
        }
        RequestBody content = body == null ? null : RequestBody.create(mapper.writeValueAsBytes(body), JSON);
        if (content == null && (method.equals("POST") || method.equals("PUT"))) {
            content = RequestBody.create("{}".getBytes(java.nio.charset.StandardCharsets.UTF_8), JSON);
        }
        return new Request.Builder()
                .url(url)
                .header("Authorization", "Bearer " + token)
                .header("Accept", "application/json")
                .method(method, content);
    }

    private Answer exchange(Request request, Duration deadline) throws IOException {
        try (Response response = client.newBuilder()
                .callTimeout(deadline)
                .readTimeout(deadline)
                .build()
                .newCall(request)
                .execute()) {
            byte[] bytes = response.peekBody(MOST_BYTES).bytes();
            return new Answer(response.code(), json(bytes), retryAfter(response));
        }
    }

    private @Nullable JsonNode json(byte[] bytes) {
        if (bytes.length == 0) {
            return null;
        }
        try {
            return mapper.readTree(bytes);
        } catch (JacksonException e) {
            return null;
        }
    }

    /** Seconds, or a date as servers in front of servers like to send. */
    private static @Nullable Duration retryAfter(Response response) {
        String value = response.header("Retry-After");
        if (value == null) {
            return null;
        }
        if (value.matches("\\d{1,6}")) {
            return Duration.ofSeconds(Long.parseLong(value));
        }
        Instant date = response.headers().getInstant("Retry-After");
        if (date == null) {
            return null;
        }
        Duration left = Duration.between(Instant.now(), date);
        return left.isNegative() ? Duration.ZERO : left;
    }
}
