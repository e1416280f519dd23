package dev.skerry.controlplane.llm;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.Request;
import okhttp3.RequestBody;
import org.jspecify.annotations.Nullable;

/** Where a provider's own calls go, with the key that only this process knows. */
public final class Upstream {
    private static final MediaType JSON = MediaType.get("application/json");

    private final String baseUrl;
    private final Map<String, Secret> headers;
    private final Map<String, String> plainHeaders;
    private final boolean openAiItself;
    private final Circuit circuit;
    private final Map<String, HttpUrl> urls = new ConcurrentHashMap<>();

    Upstream(
            String baseUrl,
            Map<String, Secret> headers,
            Map<String, String> plainHeaders,
            boolean openAiItself,
            Circuit circuit) {
        this.baseUrl = baseUrl.replaceAll("/+$", "");
        this.headers = headers;
        this.plainHeaders = plainHeaders;
        this.openAiItself = openAiItself;
        this.circuit = circuit;
    }

    static Upstream anthropic(String baseUrl, Secret key, Circuit circuit) {
        return new Upstream(
                baseUrl,
                Map.of("x-api-key", key),
                Map.of("anthropic-version", AnthropicProvider.VERSION),
                false,
                circuit);
    }

    static Upstream openAi(String baseUrl, @Nullable Secret key, Circuit circuit) {
        return new Upstream(
                baseUrl,
                key == null ? Map.of() : Map.of("Authorization", bearer(key)),
                Map.of(),
                baseUrl.startsWith(OpenAiProvider.OPENAI),
                circuit);
    }

    private static Secret bearer(Secret key) {
        return () -> "Bearer " + key.value();
    }

    /** Shared with every other way to ask this provider. */
    public Circuit circuit() {
        return circuit;
    }

    /** Whether this is OpenAI and not a server that is compatible with what it once was. */
    public boolean openAiItself() {
        return openAiItself;
    }

    /** One request, which is never repeated; {@code path} begins with a slash. */
    public Call call(String path, byte[] body, Duration deadline) {
        Request.Builder request = new Request.Builder()
                .url(urls.computeIfAbsent(path, asked -> HttpUrl.get(baseUrl + asked)))
                .header("Accept-Encoding", "identity")
                .post(RequestBody.create(body, JSON));
        plainHeaders.forEach(request::header);
        headers.forEach((name, value) -> request.header(name, value.value()));
        Call call = ProviderHttp.CLIENT.newCall(request.build());
        call.timeout().timeout(deadline.toNanos(), TimeUnit.NANOSECONDS);
        return call;
    }

    /** Whether a text holds the key, so that it must not be passed on. */
    public boolean betrayed(String text) {
        return headers.values().stream()
                .map(secret -> secret.value().replaceFirst("^Bearer ", ""))
                .anyMatch(text::contains);
    }
}
