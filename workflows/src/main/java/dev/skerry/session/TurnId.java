package dev.skerry.session;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.regex.Pattern;

/**
 * A turn's id: {@code trn_} and a ULID.
 *
 * @param value 30 characters
 */
public record TurnId(@JsonValue String value) {
    private static final Pattern FORM = Pattern.compile("trn_[0-9A-HJKMNP-TV-Z]{26}");

    @JsonCreator
    public TurnId {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "A turn id is 'trn_' and 26 characters of Crockford's base 32, in upper case.");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
