package dev.skerry.api.message;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonRawValue;
import dev.skerry.store.Messages.MessageRow;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A message as people see it.
 *
 * @param content blocks as in the gateway protocol
 * @param toolCallId which call a tool's result answers, only there
 * @param isError whether a tool failed, only there
 */
record MessageView(
        String id,
        String role,
        String turn,

        @JsonRawValue @ArraySchema(schema = @Schema(type = "object"))
        String content,

        Instant at,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String toolCallId,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Boolean isError) {

    static MessageView of(MessageRow row) {
        return new MessageView(
                row.id(),
                row.role(),
                row.turnId(),
                row.content(),
                row.at(),
                row.toolCallId(),
                row.toolCallId() == null ? null : row.isError());
    }
}
