package dev.skerry.session;

/**
 * Why a session is in its state.
 *
 * @param code stable, for programs, {@code snake_case}
 * @param message one sentence for people
 */
public record Reason(String code, String message) {
    /** The sandbox ended by itself; between turns it is the reason of the suspension, and the control plane counts it by that. */
    public static final String SANDBOX_DIED = "sandbox_died";
}
