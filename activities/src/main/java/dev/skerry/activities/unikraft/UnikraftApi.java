package dev.skerry.activities.unikraft;

import dev.skerry.activities.http.JsonHttp;
import dev.skerry.activities.http.JsonHttp.Answer;
import dev.skerry.activities.provider.ProviderException;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/**
 * Unikraft Cloud's endpoints: envelopes opened, items inspected one by one, failures told apart.
 *
 * <p>An HTTP 200 is not a success: each item of the envelope has a status, and a code of its own where it failed. Answers that are
 * not JSON come from the proxy in front of the API and leave the outcome unknown. Reads are tried again at once, since a connection that
 * the proxy closed meanwhile fails on its next use; what changes something is not, since nobody knows whether it did.
 */
final class UnikraftApi {
    static final String INSTANCES = "instances";
    static final int UNKNOWN_MEMBER = 6;
    static final int INVALID = 7;
    static final int NOT_FOUND = 8;
    static final int WRONG_STATE = 11;
    static final int NOT_BOTH = 17;
    static final int ALREADY_EXISTS = 23;
    private static final int QUOTA = 19;
    private static final int NONE_FREE = 9;
    private static final int TOO_MANY = 5;
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final Duration SLOW_DOWN = Duration.ofSeconds(2);
    private static final int READS = 3;
    private static final Duration READ_AGAIN = Duration.ofMillis(150);
    private static final int LONGEST_MESSAGE = 300;

    private final JsonHttp http;
    private final String metro;

    UnikraftApi(UnikraftSettings settings, JsonMapper mapper, ObservationRegistry observations) {
        this.metro = settings.metro();
        this.http = new JsonHttp(
                "skerry.provider.call", withVersion(settings.url()), settings.token(), mapper, observations);
    }

    /** A base address may be given with or without its version; the platform's own discovery gives it with. */
    static String withVersion(String url) {
        String bare = url.replaceAll("/+$", "");
        return bare.endsWith("/v1") ? bare : bare + "/v1";
    }

    /**
     * One item of an envelope.
     *
     * @param error the platform's own code, null on success or where it gives none
     */
    record Item(JsonNode json, boolean ok, @Nullable Integer error, String message) {
        String state() {
            return json.path("state").asString("");
        }

        boolean is(int code) {
            return error != null && error == code;
        }

        /** Something else still holds it: asking again in a moment helps. */
        boolean busy() {
            return !ok && (message.contains("EBUSY") || message.contains("error -16"));
        }
    }

    /** Calls and opens the envelope of instances; an empty list when it has no items. */
    List<Item> call(String operation, String method, String path, @Nullable Object body) throws ProviderException {
        return items(INSTANCES, operation, method, path, body);
    }

    /** Calls and opens the envelope that holds {@code key}. */
    List<Item> items(String key, String operation, String method, String path, @Nullable Object body)
            throws ProviderException {
        Answer answer = answer(operation, method, path, body);
        JsonNode envelope = answer.body();
        if (answer.status() == 429) {
            throw new ProviderException.Throttled(answer.retryAfter() == null ? SLOW_DOWN : answer.retryAfter());
        }
        if (answer.status() == 401 || answer.status() == 403) {
            throw new ProviderException.Rejected("Metro " + metro + " refused the token (HTTP " + answer.status()
                    + "). Check the token configured for it.");
        }
        if (envelope == null || answer.status() >= 500) {
            throw new ProviderException.Unknown(
                    "Metro " + metro + " answered " + operation + " with HTTP " + answer.status()
                            + (envelope == null ? " and no JSON." : ": " + text(envelope)),
                    null);
        }
        List<Item> items = envelope.path("data").path(key).values().stream()
                .map(UnikraftApi::item)
                .toList();
        if (answer.status() == 409 && items.isEmpty()) {
            return List.of(new Item(envelope, false, ALREADY_EXISTS, text(envelope)));
        }
        if (!items.isEmpty()) {
            return items;
        }
        boolean refused = !answer.successful()
                || envelope.path("status").asString("success").equals("error");
        if (refused) {
            throw new ProviderException.Rejected(
                    "Metro " + metro + " refused " + operation + " (HTTP " + answer.status() + "): " + text(envelope));
        }
        return items;
    }

    /** What the envelope of a resource without items holds; nothing where callers like this one may not read it. */
    JsonNode data(String operation, String path) throws ProviderException {
        Answer answer = answer(operation, "GET", path, null);
        JsonNode envelope = answer.body();
        if (answer.status() == 403 || answer.status() == 404) {
            return MissingNode.getInstance();
        }
        if (envelope == null || !answer.successful()) {
            throw new ProviderException.Unknown(
                    "Metro " + metro + " answered " + operation + " with HTTP " + answer.status() + ".", null);
        }
        return envelope.path("data");
    }

    private Answer answer(String operation, String method, String path, @Nullable Object body)
            throws ProviderException {
        boolean read = method.equals("GET");
        for (int attempt = 1; ; attempt++) {
            boolean last = !read || attempt == READS;
            try {
                Answer answer = http.call(operation, method, path, body, DEADLINE);
                boolean edge = answer.status() == 502 || answer.status() == 503 || answer.status() == 504;
                if (last || !edge) {
                    return answer;
                }
            } catch (IOException e) {
                if (last) {
                    throw new ProviderException.Unknown(
                            "Metro " + metro + " does not answer " + operation + ": " + e.getMessage(), e);
                }
            }
            Patience.pause(READ_AGAIN.multipliedBy(attempt));
        }
    }

    /** The last 4096 bytes of a console, which is what the metro gives when asked by query: a range can only be asked for in a body. */
    Optional<String> log(String name) throws ProviderException {
        String path = "instances/log?name=" + URLEncoder.encode(name, StandardCharsets.UTF_8);
        for (Item item : call("log", "GET", path, null)) {
            if (item.ok()) {
                byte[] output = Base64.getMimeDecoder()
                        .decode(item.json().path("output").asString(""));
                String text = new String(output, StandardCharsets.UTF_8).strip();
                return text.isEmpty() ? Optional.empty() : Optional.of(text);
            }
        }
        return Optional.empty();
    }

    /** The failure that an item stands for. */
    ProviderException failure(String operation, Item item) {
        String told = "Metro " + metro + " could not " + operation + ": " + item.message();
        if (item.is(QUOTA) || item.is(NONE_FREE) || item.is(TOO_MANY)) {
            return new ProviderException.Full(told);
        }
        boolean unknown = item.error() == null || item.error() == 0 || item.error() == 10 || item.error() == 12;
        return unknown || item.busy()
                ? new ProviderException.Unknown(told, null)
                : new ProviderException.Rejected(told);
    }

    private static Item item(JsonNode json) {
        JsonNode error = json.path("error");
        return new Item(
                json,
                json.path("status").asString("success").equals("success"),
                error.isNumber() ? error.asInt() : null,
                text(json));
    }

    private static String text(JsonNode json) {
        String message = json.path("message").asString("no reason given");
        return message.length() > LONGEST_MESSAGE ? message.substring(0, LONGEST_MESSAGE) : message;
    }
}
