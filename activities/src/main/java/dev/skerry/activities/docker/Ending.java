package dev.skerry.activities.docker;

import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import org.jspecify.annotations.Nullable;

/**
 * How a container ended.
 *
 * @param sentence goes on after the container's name
 */
record Ending(boolean outOfMemory, long exitCode, String sentence) {
    private static final long KILLED = 137;

    static Ending of(ContainerState state) {
        Long code = state.getExitCodeLong();
        return of(Boolean.TRUE.equals(state.getOOMKilled()), code == null ? 0 : code, state.getError());
    }

    static Ending of(boolean outOfMemory, long code, @Nullable String error) {
        String sentence;
        if (error != null && !error.isBlank()) {
            sentence = "did not start: " + error;
        } else if (outOfMemory) {
            sentence = "ran out of memory";
        } else if (code == KILLED) {
            sentence = "was killed";
        } else {
            sentence = "ended with exit code " + code;
        }
        return new Ending(outOfMemory, code, sentence);
    }
}
