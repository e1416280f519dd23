package dev.skerry.controlplane.llm;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;
import java.util.Locale;

/** What a model answered, whole. */
public record ModelAnswer(List<Content> content, StopReason stopReason, Usage usage) {
    /** Why the model stopped. */
    public enum StopReason {
        END_TURN,
        TOOL_USE,
        MAX_TOKENS;

        @JsonValue
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
