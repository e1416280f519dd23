package dev.skerry.controlplane.http;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads bearer tokens. */
public final class Bearer {
    private static final String SCHEME = "Bearer ";
    private static final int LONGEST = 1024;

    private Bearer() {}

    /** The token of an {@code Authorization} header of reasonable length. */
    public static Optional<String> of(@Nullable String header) {
        if (header == null || header.length() > LONGEST || !header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return Optional.empty();
        }
        String token = header.substring(SCHEME.length()).strip();
        return token.isEmpty() ? Optional.empty() : Optional.of(token);
    }
}
