package dev.skerry.session;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** How a turn ended. */
public enum TurnStatus {
    COMPLETED,
    FAILED,
    CANCELLED,
    /** A limit of the turn or of the budget was reached. */
    LIMIT;

    @JsonValue
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    @JsonCreator
    public static TurnStatus of(String code) {
        return valueOf(code.toUpperCase(Locale.ROOT));
    }
}
