package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneSettings.Limits;
import dev.skerry.controlplane.credential.Credential;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import okhttp3.HttpUrl;
import okhttp3.Response;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Makes a permitted request, redirects included, and reads what may be shown of the answer. */
@Component
class Sender {
    private static final int MOST_REDIRECTS = 5;
    private static final Set<String> NOT_SHOWN =
            Set.of("set-cookie", "connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length");

    private final Policy policy;
    private final Dialer dialer;
    private final Limits limits;

    Sender(Policy policy, Dialer dialer, ControlPlaneSettings settings) {
        this.policy = policy;
        this.dialer = dialer;
        this.limits = settings.limits();
    }

    private record Step(HttpAnswer answer, @Nullable HttpUrl next) {}

    HttpAnswer make(String tenant, Outgoing first) throws Unreachable {
        long deadline = System.nanoTime() + limits.httpTime().toNanos();
        Outgoing outgoing = first;
        for (int redirects = 0; ; redirects++) {
            Step step = step(tenant, outgoing, deadline);
            if (step.next() == null || !first.followRedirects()) {
                return step.answer();
            }
            if (redirects == MOST_REDIRECTS) {
                throw new RefusedException(
                        new Refusal.HttpFailed("More than " + MOST_REDIRECTS + " redirects came one after the other."));
            }
            outgoing = outgoing.at(Outgoing.url(step.next().toString()));
        }
    }

    private Step step(String tenant, Outgoing outgoing, long deadline) throws Unreachable {
        Credential credential = policy.permit(tenant, outgoing).orElse(null);
        Injected injected = Injected.of(outgoing, credential);
        Redaction redaction = new Redaction(injected.secrets());
        Duration left = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
        return dialer.exchange(injected.request(), left, response -> {
            HttpUrl next = response.isRedirect() ? next(outgoing.url(), response) : null;
            return new Step(answer(outgoing, response, redaction), next);
        });
    }

    private static @Nullable HttpUrl next(HttpUrl from, Response response) {
        String location = response.header("Location");
        return location == null ? null : from.resolve(location);
    }

    private HttpAnswer answer(Outgoing outgoing, Response response, Redaction redaction) throws IOException {
        int most = (int) limits.httpAnswer().toBytes();
        byte[] read = read(response.body().source(), most + redaction.longest() + 1);
        byte[] clean = redaction.of(read);
        boolean truncated = read.length > most || clean.length > most;
        byte[] body = clean.length > most ? Arrays.copyOf(clean, most) : clean;
        String text = text(body, truncated);
        return new HttpAnswer(
                response.code(),
                redaction.of(outgoing.url().toString()),
                headers(response, redaction),
                text,
                text == null ? Base64.getEncoder().encodeToString(body) : null,
                truncated);
    }

    private static byte[] read(BufferedSource source, int most) throws IOException {
        source.request(most);
        return source.getBuffer()
                .readByteArray(Math.min(most, source.getBuffer().size()));
    }

    /** The text, if it is text; a cut may have split its last character, which is left out then. */
    private static @Nullable String text(byte[] body, boolean truncated) {
        int end = body.length;
        if (truncated) {
            while (end > 0 && body.length - end < 4 && (body[end - 1] & 0xC0) == 0x80) {
                end--;
            }
            end = end > 0 && (body[end - 1] & 0x80) != 0 ? end - 1 : body.length;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body, 0, end))
                    .toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    private static Map<String, List<String>> headers(Response response, Redaction redaction) {
        Map<String, List<String>> shown = new TreeMap<>();
        response.headers().toMultimap().forEach((name, values) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (!NOT_SHOWN.contains(lower)) {
                shown.put(
                        redaction.of(lower), values.stream().map(redaction::of).toList());
            }
        });
        return shown;
    }
}
