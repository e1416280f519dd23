package dev.skerry.controlplane.file;

import dev.skerry.controlplane.problem.RefusedException;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The form of a path that a sandbox may name: relative, plain, bounded. */
public final class WorkspacePath {
    private static final int LONGEST_BYTES = 1024;

    private WorkspacePath() {}

    /** Answers the path as it is, or throws {@link RefusedException}. */
    public static String checked(@Nullable String path) {
        if (path == null || !plain(path)) {
            throw RefusedException.invalid(
                    "A path is relative, uses '/', has no empty, '.' or '..' segment, no control character, and 1024 bytes of UTF-8 at most.");
        }
        return path;
    }

    private static boolean plain(String path) {
        if (path.isEmpty() || path.chars().anyMatch(Character::isISOControl)) {
            return false;
        }
        for (String segment : path.split("/", -1)) {
            if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
                return false;
            }
        }
        try {
            return StandardCharsets.UTF_8
                            .newEncoder()
                            .encode(CharBuffer.wrap(path))
                            .remaining()
                    <= LONGEST_BYTES;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
