package dev.skerry.api.file;

import dev.skerry.api.problem.ApiException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A path inside a workspace, as the gateway protocol defines it.
 *
 * @param value relative, with {@code /}, without empty, {@code .} or {@code ..} segments
 */
record WorkspacePath(String value) {
    private static final int MAX_BYTES = 1024;
    private static final List<String> REFUSED = List.of("", ".", "..");

    /** Refuses with invalid_request. */
    static WorkspacePath of(String raw) {
        String path = raw.startsWith("/") ? raw.substring(1) : raw;
        boolean refused = path.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES
                || path.chars().anyMatch(Character::isISOControl)
                || List.of(path.split("/", -1)).stream().anyMatch(REFUSED::contains);
        if (refused) {
            throw ApiException.invalid("path", "Use a path that the listing of files shows.");
        }
        return new WorkspacePath(path);
    }

    String name() {
        return value.substring(value.lastIndexOf('/') + 1);
    }
}
