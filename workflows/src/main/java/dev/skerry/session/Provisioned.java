package dev.skerry.session;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/**
 * How a VM was started, for its session's history.
 *
 * @param why in a few words; holds no secret
 */
public record Provisioned(Start start, String why) {
    /** What a VM's memory was when it began. */
    public enum Start {
        /** Copied from a template, in which the runtime was already waiting. */
        WARM,
        /** Empty. */
        COLD;

        @JsonValue
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }

        @JsonCreator
        public static Start of(String code) {
            return valueOf(code.toUpperCase(Locale.ROOT));
        }
    }

    public static Provisioned warm(String why) {
        return new Provisioned(Start.WARM, why);
    }

    public static Provisioned cold(String why) {
        return new Provisioned(Start.COLD, why);
    }
}
