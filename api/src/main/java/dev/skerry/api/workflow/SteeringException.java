package dev.skerry.api.workflow;

/** Why a session's workflow could not be started or steered. */
public abstract sealed class SteeringException extends RuntimeException {
    private SteeringException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Nothing answered in time; what was asked for may have happened all the same. */
    public static final class Away extends SteeringException {
        Away(Throwable cause) {
            super("Temporal or its workers do not answer.", cause);
        }
    }

    /** There is no such workflow, or none any more. */
    public static final class Gone extends SteeringException {
        Gone(Throwable cause) {
            super("The workflow is closed or was never started.", cause);
        }
    }

    /** The workflow runs and has too much to do already. */
    public static final class Busy extends SteeringException {
        Busy(Throwable cause) {
            super("Too many turns wait.", cause);
        }
    }

    /** The workflow runs and said no. */
    public static final class Refused extends SteeringException {
        Refused(Throwable cause) {
            super("The workflow refused.", cause);
        }
    }
}
