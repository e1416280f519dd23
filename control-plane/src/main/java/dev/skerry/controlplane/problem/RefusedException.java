package dev.skerry.controlplane.problem;

/** Carries a {@link Refusal} to the one place that writes it. */
public final class RefusedException extends RuntimeException {
    private final transient Refusal refusal;

    public RefusedException(Refusal refusal) {
        super(refusal.getClass().getSimpleName(), null, false, false);
        this.refusal = refusal;
    }

    public static RefusedException invalid(String detail) {
        return new RefusedException(new Refusal.Invalid(detail));
    }

    public Refusal refusal() {
        return refusal;
    }
}
