package dev.skerry.controlplane.llm;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A model call that gave no whole answer; the message is for people and holds neither key nor content. */
public final class ModelException extends Exception {
    private final Kind kind;
    private final boolean streamed;
    private final @Nullable Duration retryAfter;

    /** What went wrong, as far as a caller acts on it. */
    public enum Kind {
        UNAUTHORIZED,
        RATE_LIMITED,
        UNAVAILABLE,
        REJECTED,
        CANCELLED;

        /** The stable reason of a turn that fails by it. */
        public String reason() {
            return "model_" + name().toLowerCase(Locale.ROOT);
        }
    }

    /** {@code streamed}: whether a part of the answer had come, so that the call was spent and must not be repeated. */
    public ModelException(
            Kind kind, String message, boolean streamed, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.streamed = streamed;
        this.retryAfter = retryAfter;
    }

    public Kind kind() {
        return kind;
    }

    public boolean streamed() {
        return streamed;
    }

    public @Nullable Duration retryAfter() {
        return retryAfter;
    }
}
