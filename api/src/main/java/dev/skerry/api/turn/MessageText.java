package dev.skerry.api.turn;

import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a person says: 1 byte to 1 MiB of UTF-8 that the store can keep.
 *
 * @param value the text
 */
public record MessageText(String value) {
    private static final int MAX_BYTES = 1024 * 1024;

    /** Refuses with too_large or with an error on {@code field}. */
    public static MessageText of(String field, @Nullable String text) {
        if (text == null || text.isEmpty()) {
            throw ApiException.invalid(field, "A text is required.");
        }
        if (!storable(text)) {
            throw ApiException.invalid(field, "The text has a NUL or half a surrogate pair in it.");
        }
        MessageText message = new MessageText(text);
        if (message.bytes() > MAX_BYTES) {
            throw new ApiException(
                    ProblemCode.TOO_LARGE,
                    "The text is longer than 1 MiB. Put long material into a file or shorten it.");
        }
        return message;
    }

    /** Whether Postgres can keep the text as UTF-8 inside JSON. */
    public static boolean storable(String text) {
        return text.indexOf('\0') < 0 && StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    int bytes() {
        return value.getBytes(StandardCharsets.UTF_8).length;
    }

    String content(JsonMapper json) {
        return json.writeValueAsString(List.of(new Block("text", value)));
    }

    /** Whether stored content is this very text. */
    public boolean isContent(JsonMapper json, String content) {
        try {
            return json.readTree(content).equals(json.readTree(content(json)));
        } catch (JacksonException e) {
            return false;
        }
    }

    private record Block(String type, String text) {}
}
