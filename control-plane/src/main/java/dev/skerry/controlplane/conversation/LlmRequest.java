package dev.skerry.controlplane.conversation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a sandbox asks the model; the history is not part of it.
 *
 * @param turn the turn that is worked on
 * @param seq number of the call within the turn, from 1
 * @param newMessages results of the open tool calls, nothing else
 * @param tools names of the tools to offer, all of the profile's when null
 * @param toolChoice auto, required or none
 */
record LlmRequest(
        @Nullable String turn,
        @Nullable Integer seq,
        @Nullable List<@Nullable NewMessage> newMessages,
        @Nullable List<@Nullable String> tools,
        @Nullable String toolChoice) {

    record NewMessage(
            @Nullable String role,
            @Nullable String toolCallId,
            @Nullable List<@Nullable Block> content,
            @Nullable Boolean isError) {}

    record Block(@Nullable String type, @Nullable String text) {}
}
