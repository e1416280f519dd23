package dev.skerry.activities.docker;

import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import org.jspecify.annotations.Nullable;

/**
 * How a container ended.
 *
 * @param code stable
 * @param sentence goes on after the container's name
 */
record Ending(String code, String sentence) {
    private static final long KILLED = 137;

    static Ending of(ContainerState state) {
        Long code = state.getExitCodeLong();
        return of(Boolean.TRUE.equals(state.getOOMKilled()), code == null ? 0 : code, state.getError());
    }

    static Ending of(boolean outOfMemory, long code, @Nullable String error) {
        if (error != null && !error.isBlank()) {
            return new Ending("start_failed", "did not start: " + error);
        }
        if (outOfMemory && code == KILLED) {
            return new Ending("out_of_memory", "ran out of memory");
        }
        if (code == KILLED) {
            return new Ending("killed", "was killed");
        }
        return new Ending("ended", "ended with exit code " + code);
    }
}
