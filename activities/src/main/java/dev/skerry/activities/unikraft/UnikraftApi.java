package dev.skerry.activities.unikraft;

import dev.skerry.activities.http.JsonHttp;
import dev.skerry.activities.http.JsonHttp.Answer;
import dev.skerry.activities.provider.ProviderException;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Unikraft Cloud's instance endpoints: envelopes opened, items inspected one by one, failures told apart.
 *
 * <p>An HTTP 200 is not a success: each item of the envelope has a status, and a code of its own where it failed. Answers that are
 * not JSON come from the proxy in front of the API and leave the outcome unknown.
 */
final class UnikraftApi {
    static final int NOT_FOUND = 8;
    static final int ALREADY_EXISTS = 23;
    private static final int QUOTA = 19;
    private static final int NONE_FREE = 9;
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final Duration SLOW_DOWN = Duration.ofSeconds(2);

    private final JsonHttp http;
    private final String metro;

    UnikraftApi(UnikraftSettings settings, JsonMapper mapper, ObservationRegistry observations) {
        this.metro = settings.metro();
        this.http = new JsonHttp(
                "skerry.provider.call", withVersion(settings.url()), settings.token(), mapper, observations);
    }

    private static String withVersion(String url) {
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
    }

    /** Calls and opens the envelope; an empty list when it has no items. */
    List<Item> call(String operation, String method, String path, @Nullable Object body) throws ProviderException {
        Answer answer;
        try {
            answer = http.call(operation, method, path, body, DEADLINE);
        } catch (IOException e) {
            throw new ProviderException.Unknown(
                    "Metro " + metro + " does not answer " + operation + ": " + e.getMessage(), e);
        }
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
                    "Metro " + metro + " answered " + operation + " with HTTP " + answer.status() + ".", null);
        }
        List<Item> items = envelope.path("data").path("instances").values().stream()
                .map(UnikraftApi::item)
                .toList();
        if (!answer.successful() && items.isEmpty() && answer.status() != 409) {
            throw new ProviderException.Rejected(
                    "Metro " + metro + " refused " + operation + " (HTTP " + answer.status() + "): " + text(envelope));
        }
        if (answer.status() == 409 && items.isEmpty()) {
            return List.of(new Item(envelope, false, ALREADY_EXISTS, text(envelope)));
        }
        return items;
    }

    /** The failure that an item stands for. */
    ProviderException failure(String operation, Item item) {
        String told = "Metro " + metro + " could not " + operation + ": " + item.message();
        if (item.is(QUOTA) || item.is(NONE_FREE)) {
            return new ProviderException.Full(told);
        }
        if (item.error() == null
                || item.message().contains("EBUSY")
                || item.message().contains("-16")) {
            return new ProviderException.Unknown(told, null);
        }
        return new ProviderException.Rejected(told);
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
        return message.length() > 300 ? message.substring(0, 300) : message;
    }
}
