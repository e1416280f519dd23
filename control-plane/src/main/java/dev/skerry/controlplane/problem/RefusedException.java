package dev.skerry.controlplane.problem;

import org.jspecify.annotations.Nullable;

/** Carries a {@link Refusal} to the one place that writes it. */
public final class RefusedException extends RuntimeException {
    private final transient Refusal refusal;
    private final @Nullable String session;
    private final @Nullable Integer incarnation;

    public RefusedException(Refusal refusal) {
        this(refusal, null, null);
    }

    private RefusedException(Refusal refusal, @Nullable String session, @Nullable Integer incarnation) {
        super(refusal.getClass().getSimpleName(), null, false, false);
        this.refusal = refusal;
        this.session = session;
        this.incarnation = incarnation;
    }

    public static RefusedException invalid(String detail) {
        return new RefusedException(new Refusal.Invalid(detail));
    }

    /** A refusal of somebody who holds a token of this incarnation that does not count. */
    public static RefusedException of(String session, int incarnation, Refusal refusal) {
        return new RefusedException(refusal, session, incarnation);
    }

    public Refusal refusal() {
        return refusal;
    }

    /** Whose token was presented, where the refusal is of the token itself. */
    public @Nullable String session() {
        return session;
    }

    public @Nullable Integer incarnation() {
        return incarnation;
    }
}
