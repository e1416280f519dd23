package dev.skerry.controlplane.budget;

import org.jspecify.annotations.Nullable;

/**
 * What a model call is made for.
 *
 * @param seq its number within the turn; null when it passes through
 * @param via native, or the form in which it passes through
 */
public record Purpose(
        String session,
        String turn,
        int incarnation,
        @Nullable Integer seq,
        String via) {}
