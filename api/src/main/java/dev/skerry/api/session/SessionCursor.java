package dev.skerry.api.session;

import dev.skerry.api.problem.ApiException;
import dev.skerry.session.SessionId;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** A place in a listing of sessions, as text that means nothing to a client. */
final class SessionCursor {
    private SessionCursor() {}

    static String of(SessionRow row) {
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString((row.createdAt() + " " + row.id()).getBytes(StandardCharsets.US_ASCII));
    }

    static Sessions.@Nullable Cursor parse(@Nullable String cursor) {
        if (cursor == null) {
            return null;
        }
        try {
            String[] parts =
                    new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.US_ASCII).split(" ", -1);
            if (parts.length == 2 && SessionId.valid(parts[1])) {
                return new Sessions.Cursor(Instant.parse(parts[0]), parts[1]);
            }
        } catch (IllegalArgumentException | DateTimeException e) {
            throw refused();
        }
        throw refused();
    }

    private static ApiException refused() {
        return ApiException.invalid("cursor", "Use next_cursor of the page before, as it is.");
    }
}
