package dev.skerry.session;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.regex.Pattern;

/**
 * A session's id, which is also its workflow id: {@code ses_} and a ULID.
 *
 * @param value 30 characters
 */
public record SessionId(@JsonValue String value) {
    private static final Pattern FORM = Pattern.compile("ses_[0-9A-HJKMNP-TV-Z]{26}");

    @JsonCreator
    public SessionId {
        if (!valid(value)) {
            throw new IllegalArgumentException(
                    "A session id is 'ses_' and 26 characters of Crockford's base 32, in upper case.");
        }
    }

    public static boolean valid(String value) {
        return FORM.matcher(value).matches();
    }

    @Override
    public String toString() {
        return value;
    }
}
