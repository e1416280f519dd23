package dev.skerry.cli.client;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Json;
import dev.skerry.cli.terminal.Terminal;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import okhttp3.Call;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Speaks to one API with one key; every call has a deadline and every refusal becomes an {@link ApiProblem}. */
public final class ApiClient implements AutoCloseable {
    private static final MediaType JSON = MediaType.get("application/json");
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration CALL = Duration.ofSeconds(30);
    private static final Duration HEALTH = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** Three missed heartbeats of an event stream. */
    private static final Duration SILENCE = Duration.ofSeconds(45);

    private static final String OPERATOR = "/internal/v1/operator/";
    private static final int MAX_PROBLEM_CHARACTERS = 2000;

    private final HttpUrl base;
    private final String root;
    private final boolean operator;
    private final @Nullable String key;
    private final OkHttpClient http;

    /**
     * @param base of the server, without {@code /v1}
     * @param key absent when there is none, which most calls will be refused for
     */
    public ApiClient(HttpUrl base, @Nullable String key) {
        this(base, "/v1/", key);
    }

    /** For the calls of operators, at a control plane's internal address. */
    public static ApiClient ofOperator(HttpUrl base, String token) {
        return new ApiClient(base, OPERATOR, token);
    }

    private ApiClient(HttpUrl base, String root, @Nullable String key) {
        this.base = base;
        this.root = root;
        this.operator = root.equals(OPERATOR);
        this.key = key;
        this.http = new OkHttpClient.Builder()
                .connectTimeout(CONNECT)
                .readTimeout(CALL)
                .writeTimeout(CALL)
                .callTimeout(CALL)
                .followRedirects(false)
                .build();
    }

    /** Parses what a person may have typed. */
    public static HttpUrl url(String text) {
        HttpUrl url = HttpUrl.parse(text.strip());
        if (url == null) {
            throw new Failure(
                    ExitCode.USAGE,
                    "SKERRY_URL is not an address: " + Terminal.oneLine(text, 200),
                    "Write it like http://127.0.0.1:7070, or leave it out to use the stack of this machine.");
        }
        return url;
    }

    public HttpUrl base() {
        return base;
    }

    /** Whether anything answers there as a Skerry API would. */
    public boolean isHealthy() {
        Request request = new Request.Builder()
                .url(base.newBuilder().addPathSegment("healthz").build())
                .build();
        try (Response response =
                http.newBuilder().callTimeout(HEALTH).build().newCall(request).execute()) {
            return response.isSuccessful();
        } catch (IOException e) {
            return false;
        }
    }

    public JsonNode get(String path) {
        return json(request(path).get().build());
    }

    /** Posts once, under an idempotency key, so that a repeat of a lost answer does nothing twice. */
    public JsonNode post(String path, Object body) {
        Request request = request(path)
                .header("Idempotency-Key", UUID.randomUUID().toString())
                .post(RequestBody.create(Json.MAPPER.writeValueAsBytes(body), JSON))
                .build();
        try {
            return json(request);
        } catch (Lost e) {
            return json(request);
        }
    }

    public JsonNode put(String path, Object body) {
        return json(request(path)
                .put(RequestBody.create(Json.MAPPER.writeValueAsBytes(body), JSON))
                .build());
    }

    public JsonNode delete(String path) {
        return json(request(path).delete().build());
    }

    /** Copies the bytes at {@code path} to {@code target}; returns how many there were. */
    public long download(String path, OutputStream target) throws IOException {
        OkHttpClient patient = http.newBuilder().callTimeout(Duration.ZERO).build();
        try (Response response = execute(patient.newCall(request(path).get().build()))) {
            try (InputStream in = response.body().byteStream()) {
                return in.transferTo(target);
            }
        }
    }

    /** The session's events after {@code after}, live; reconnects by itself. */
    public EventStream events(String session, long after) {
        OkHttpClient patient = http.newBuilder()
                .callTimeout(Duration.ZERO)
                .readTimeout(SILENCE)
                .build();
        return new EventStream(this, patient, session, after);
    }

    /** Aborts every call in progress, from another thread. */
    public void abort() {
        http.dispatcher().cancelAll();
    }

    @Override
    public void close() {
        http.dispatcher().cancelAll();
        http.dispatcher().executorService().shutdown();
        http.connectionPool().evictAll();
    }

    Request.Builder request(String path) {
        HttpUrl url = base.resolve(root + path);
        if (url == null) {
            throw new IllegalArgumentException(path);
        }
        Request.Builder request = new Request.Builder().url(url).header("Accept", "application/json");
        return key == null ? request : request.header("Authorization", "Bearer " + key);
    }

    /** A successful response, or the failure that describes it. */
    Response execute(Call call) {
        try {
            Response response = call.execute();
            if (response.isSuccessful()) {
                return response;
            }
            try (response) {
                throw problem(response);
            }
        } catch (IOException e) {
            if (call.isCanceled()
                    && !(e instanceof InterruptedIOException timeout && "timeout".equals(timeout.getMessage()))) {
                throw new Aborted(e);
            }
            throw new Lost(base, operator, e);
        }
    }

    /** Every call may be repeated: what reads, what ends, and what posts under a key. So a server that is away for a moment is waited for. */
    private JsonNode json(Request request) {
        Instant deadline = Instant.now().plus(PATIENCE);
        while (true) {
            try {
                return once(request);
            } catch (ApiProblem e) {
                if (!e.mayPass() || Instant.now().isAfter(deadline)) {
                    throw e;
                }
                pause(e.retryAfter());
            }
        }
    }

    private static void pause(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Aborted(new InterruptedIOException());
        }
    }

    private JsonNode once(Request request) {
        try (Response response = execute(http.newCall(request))) {
            byte[] body = response.body().bytes();
            return body.length == 0 ? Json.MAPPER.createObjectNode() : Json.MAPPER.readTree(body);
        } catch (IOException e) {
            throw new Lost(base, operator, e);
        } catch (JacksonException e) {
            throw notSkerry(e);
        }
    }

    private Failure notSkerry(@Nullable Throwable cause) {
        return new Failure(
                ExitCode.NO_STACK,
                "What answers at " + base + " is not a Skerry API.",
                "Check SKERRY_URL; `skerry up` prints the address of this machine's stack.",
                cause);
    }

    private Failure problem(Response response) throws IOException {
        String text = response.peekBody(64 * 1024).string();
        String requestId = response.header("X-Request-ID", "");
        try {
            JsonNode problem = Json.MAPPER.readTree(text);
            if (!problem.path("code").isString()) {
                return notSkerry(null);
            }
            StringBuilder detail = new StringBuilder(
                    problem.path("detail").asString(problem.path("title").asString("")));
            for (JsonNode error : problem.path("errors")) {
                detail.append(" [")
                        .append(error.path("field").asString(""))
                        .append(": ")
                        .append(error.path("message").asString(""))
                        .append(']');
            }
            return new ApiProblem(
                    operator,
                    response.code(),
                    problem.path("code").asString(),
                    Terminal.oneLine(detail.toString(), MAX_PROBLEM_CHARACTERS),
                    Terminal.oneLine(problem.path("request_id").asString(requestId == null ? "" : requestId), 100),
                    response.header("Retry-After", ""));
        } catch (JacksonException e) {
            return notSkerry(e);
        }
    }

    /** The connection could not be made, or broke. */
    public static final class Lost extends Failure {
        Lost(HttpUrl base, boolean operator, IOException cause) {
            super(
                    ExitCode.NO_STACK,
                    "No answer from the Skerry " + (operator ? "control plane" : "API") + " at " + base + " ("
                            + reason(cause) + ").",
                    "Start a stack with `skerry up`, or set " + (operator ? "SKERRY_OPERATOR_URL" : "SKERRY_URL")
                            + " to one that runs.",
                    cause);
        }

        private static String reason(IOException cause) {
            String message = cause.getMessage();
            return message == null ? cause.getClass().getSimpleName() : Terminal.oneLine(message, 160);
        }
    }

    /** {@link #abort} was called. */
    public static final class Aborted extends Failure {
        Aborted(IOException cause) {
            super(ExitCode.INTERRUPTED, "Interrupted.", "", cause);
        }
    }
}
