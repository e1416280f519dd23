package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/** An {@link HttpOrder} whose every field has a form that can be sent. */
record Outgoing(
        String method,
        HttpUrl url,
        Map<String, String> headers,
        byte[] body,
        @Nullable String credential,
        boolean followRedirects) {
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS");
    private static final Set<String> BODILESS = Set.of("GET", "HEAD", "OPTIONS");
    private static final Set<String> OURS = Set.of(
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "accept-encoding",
            "via",
            "forwarded",
            "x-real-ip");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}");
    private static final Pattern VALUE = Pattern.compile("[\\t -~]{0,8192}");
    private static final Pattern CREDENTIAL = Pattern.compile("[a-z0-9][a-z0-9_-]{0,62}");
    private static final int MOST_HEADERS = 64;
    private static final int LONGEST_URL = 8192;

    static Outgoing of(HttpOrder order, long longestBody) {
        String method = order.method() == null ? "" : order.method();
        if (!METHODS.contains(method)) {
            throw RefusedException.invalid(
                    "method must be one of " + METHODS.stream().sorted().toList() + ".");
        }
        byte[] body = body(order, longestBody);
        if (body.length > 0 && BODILESS.contains(method)) {
            throw RefusedException.invalid("A " + method + " has no body.");
        }
        String credential = order.credential();
        if (credential != null && !CREDENTIAL.matcher(credential).matches()) {
            throw RefusedException.invalid("credential must be the name of one.");
        }
        boolean follow = Boolean.TRUE.equals(order.followRedirects());
        if (follow && !repeatable(method)) {
            throw RefusedException.invalid("Redirects are followed for GET and HEAD only.");
        }
        return new Outgoing(method, url(order.url()), headers(order.headers()), body, credential, follow);
    }

    /** Whether making it twice is the same as making it once, by HTTP's own rules. */
    boolean repeatable() {
        return repeatable(method);
    }

    private static boolean repeatable(String method) {
        return SAFE.contains(method);
    }

    Outgoing at(HttpUrl next) {
        return new Outgoing(method, next, headers, body, credential, followRedirects);
    }

    static HttpUrl url(@Nullable String text) {
        HttpUrl url = text == null || text.length() > LONGEST_URL ? null : HttpUrl.parse(text);
        if (url == null) {
            throw RefusedException.invalid(
                    "url must be an absolute http or https URL of " + LONGEST_URL + " characters at most.");
        }
        if (!url.username().isEmpty() || !url.password().isEmpty()) {
            throw RefusedException.invalid("A URL carries no user name and no password: name a credential.");
        }
        return url.newBuilder().fragment(null).build();
    }

    private static Map<String, String> headers(@Nullable Map<String, @Nullable String> given) {
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        if (given == null) {
            return headers;
        }
        if (given.size() > MOST_HEADERS) {
            throw RefusedException.invalid("A request has " + MOST_HEADERS + " headers at most.");
        }
        given.forEach((name, value) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (!NAME.matcher(name).matches()
                    || value == null
                    || !VALUE.matcher(value).matches()) {
                throw RefusedException.invalid(
                        "A header is a name and a value of printable ASCII, 8192 characters at most.");
            }
            if (OURS.contains(lower) || lower.startsWith("proxy-") || lower.startsWith("x-forwarded-")) {
                throw RefusedException.invalid("The header " + lower + " is not yours to set.");
            }
            headers.put(name, value);
        });
        return headers;
    }

    private static byte[] body(HttpOrder order, long longest) {
        if (order.body() != null && order.bodyBase64() != null) {
            throw RefusedException.invalid("Give body or body_base64, not both.");
        }
        byte[] body = order.body() != null
                ? order.body().getBytes(StandardCharsets.UTF_8)
                : order.bodyBase64() != null ? decoded(order.bodyBase64()) : new byte[0];
        if (body.length > longest) {
            throw new RefusedException(
                    new Refusal.TooLarge("The body of a brokered request may have " + longest + " bytes at most."));
        }
        return body;
    }

    private static byte[] decoded(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw RefusedException.invalid("body_base64 must be base64.");
        }
    }
}
