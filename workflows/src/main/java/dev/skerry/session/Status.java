package dev.skerry.session;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** What is true of a session right now. */
public enum Status {
    /** Intent recorded, metro chosen, VM being created. */
    PROVISIONING,
    /** VM booted; waiting for the runtime's hello and its probe report. */
    HARDENING,
    /** Sandbox awake, nothing to do. */
    IDLE,
    /** One turn in progress. */
    RUNNING,
    /** VM frozen, or gone but resumable from history and files. */
    SUSPENDED,
    /** A frozen VM is being woken. */
    RESUMING,
    /** Tokens are revoked, then the VM is destroyed. */
    TERMINATING,
    /** Ended as asked; nothing is left. */
    TERMINATED,
    /** Ended because it could not go on; nothing is left. */
    FAILED;

    /** The name that people and the store see: lower case. */
    @JsonValue
    public String code() {
        return name().toLowerCase(Locale.ROOT);
    }

    @JsonCreator
    public static Status of(String code) {
        return valueOf(code.toUpperCase(Locale.ROOT));
    }

    public boolean ending() {
        return this == TERMINATING || this == TERMINATED || this == FAILED;
    }
}
