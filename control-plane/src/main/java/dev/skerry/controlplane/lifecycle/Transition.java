package dev.skerry.controlplane.lifecycle;

import dev.skerry.session.Reason;
import dev.skerry.session.Status;
import org.jspecify.annotations.Nullable;

/**
 * A change of a session's state, as the worker tells it.
 *
 * @param start how the VM was started, {@code warm} or {@code cold}, and {@code startReason} why so; null where none was
 */
record Transition(
        long number,
        @Nullable Status status,
        @Nullable Reason reason,
        int incarnation,
        @Nullable Box box,
        @Nullable Long tookMillis,
        @Nullable String start,
        @Nullable String startReason) {
    @Nullable
    String code() {
        return reason == null ? null : reason.code();
    }

    @Nullable
    String message() {
        return reason == null ? null : reason.message();
    }

    @Nullable
    String metro() {
        return box == null ? null : box.metro();
    }

    @Nullable
    String name() {
        return box == null ? null : box.name();
    }

    @Nullable
    String provider() {
        return box == null ? null : box.provider();
    }

    record Box(
            @Nullable String name,
            @Nullable String metro,
            @Nullable String provider) {}
}
