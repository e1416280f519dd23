package dev.skerry.controlplane.lifecycle;

import dev.skerry.controlplane.problem.RefusedException;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Names the activity that waits, in base64. */
record TaskToken(@Nullable String taskToken) {
    byte[] bytes() {
        if (taskToken == null || taskToken.isEmpty()) {
            throw RefusedException.invalid("task_token must be the activity's task token in base64.");
        }
        try {
            return Base64.getDecoder().decode(taskToken);
        } catch (IllegalArgumentException e) {
            throw RefusedException.invalid("task_token must be the activity's task token in base64.");
        }
    }
}
