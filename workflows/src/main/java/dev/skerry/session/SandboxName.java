package dev.skerry.session;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/**
 * A VM's name, a function of installation, session and the incarnation that booted it, so that a retried create finds the first one.
 *
 * @param value a DNS label of at most 63 characters
 */
public record SandboxName(@JsonValue String value) {
    @JsonCreator
    public SandboxName {}

    /** {@code installation} is at most 12 characters of lower case letters and digits. */
    public static SandboxName of(String installation, SessionId session, int incarnation) {
        String ulid = session.value().substring("ses_".length()).toLowerCase(Locale.ROOT);
        return new SandboxName("skerry-" + installation + "-" + ulid + "-" + incarnation);
    }

    @Override
    public String toString() {
        return value;
    }
}
