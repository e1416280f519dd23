package dev.skerry.session;

/**
 * Why a session is in its state.
 *
 * @param code stable, for programs, {@code snake_case}
 * @param message one sentence for people
 */
public record Reason(String code, String message) {}
