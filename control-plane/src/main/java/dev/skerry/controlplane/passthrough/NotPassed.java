package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.problem.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * A request that is not passed on; {@code field} is what is wrong with it, where that is one field.
 */
final class NotPassed extends RuntimeException {
    private final int status;
    private final String code;
    private final @Nullable String field;

    NotPassed(int status, String code, @Nullable String field, String message) {
        super(message, null, false, false);
        this.status = status;
        this.code = code;
        this.field = field;
    }

    static NotPassed invalid(String field, String message) {
        return new NotPassed(400, "invalid_request", field, message);
    }

    static NotPassed denied(String field, String message) {
        return new NotPassed(403, "policy_denied", field, message);
    }

    /** The same as it is recorded. */
    Refusal refusal() {
        return switch (status) {
            case 403 -> new Refusal.Denied(said());
            case 404 -> new Refusal.NotFound(said());
            default -> new Refusal.Invalid(said());
        };
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }

    @Nullable
    String field() {
        return field;
    }

    String said() {
        String message = getMessage();
        return message == null ? code : message;
    }
}
