package dev.skerry.controlplane.llm;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A model call that gave no whole answer; the message is for people and holds neither key nor content. */
public final class ModelException extends Exception {
    private final Kind kind;
    private final boolean streamed;
    private final @Nullable Duration retryAfter;
    private final transient @Nullable Usage spent;

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

    /**
     * A call that failed somewhere on its way.
     *
     * @param streamed whether the provider had begun to answer, so that it counts the call and it must not be repeated
     * @param spent what the provider had said by then that the call used
     */
    public ModelException(
            Kind kind,
            String message,
            boolean streamed,
            @Nullable Duration retryAfter,
            @Nullable Usage spent,
            @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.streamed = streamed;
        this.retryAfter = retryAfter;
        this.spent = spent;
    }

    /** A call that the provider refused at once. */
    ModelException(Kind kind, String message) {
        this(kind, message, null);
    }

    /** A call that the provider refused at once, telling how long to wait. */
    ModelException(Kind kind, String message, @Nullable Duration retryAfter) {
        this(kind, message, false, retryAfter, null, null);
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

    public @Nullable Usage spent() {
        return spent;
    }
}
