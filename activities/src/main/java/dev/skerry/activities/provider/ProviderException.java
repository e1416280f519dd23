package dev.skerry.activities.provider;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Why a provider did not do what it was asked; the message tells a person what to do next and holds no secret. */
public abstract sealed class ProviderException extends Exception {
    private ProviderException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** Asking again cannot help: bad image, refused token, impossible size. */
    public static final class Rejected extends ProviderException {
        public Rejected(String message) {
            super(message, null);
        }
    }

    /** No room: another metro may have some. */
    public static final class Full extends ProviderException {
        public Full(String message) {
            super(message, null);
        }
    }

    /** Too many requests: ask again later. */
    public static final class Throttled extends ProviderException {
        private final Duration retryAfter;

        public Throttled(Duration retryAfter) {
            super("The metro asks to slow down for " + retryAfter.toSeconds() + " s.", null);
            this.retryAfter = retryAfter;
        }

        public Duration retryAfter() {
            return retryAfter;
        }
    }

    /** It is unknown whether the call had an effect, or the provider is away: ask again, read back first. */
    public static final class Unknown extends ProviderException {
        public Unknown(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /** The sandbox was made and ended before it ran: it is removed, and may be made again. */
    public static final class BootFailed extends ProviderException {
        private final String lastWords;

        /** {@code lastWords} is the end of its console, for the session's own people: it is no part of the message. */
        public BootFailed(String message, String lastWords) {
            super(message, null);
            this.lastWords = lastWords;
        }

        public String lastWords() {
            return lastWords;
        }
    }
}
