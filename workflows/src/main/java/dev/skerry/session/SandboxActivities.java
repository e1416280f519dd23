package dev.skerry.session;

import io.temporal.activity.ActivityInterface;

/**
 * What a session asks of its provider. Every call is idempotent: suspending the suspended and destroying the gone succeed.
 *
 * <p>Failures carry an application failure type of {@link FailureTypes}.
 */
@ActivityInterface
public interface SandboxActivities {
    /**
     * Creates the VM by its deterministic name and returns when it has said hello. The boot token is fetched inside and never returned.
     * Makes the session provisioning, then hardening, then idle. The answer is for the history's readers.
     */
    Provisioned provision(Transition provisioning);

    /** Has the sandbox store its files (bounded), revokes its token but for a resume, and freezes the VM. */
    void suspend(Transition suspended);

    /** Wakes the VM that the incarnation {@code frozen} left, and returns when it has said hello as the next one. */
    void resume(Transition resuming, int frozen);

    /** Returns when the VM does not exist any more. */
    void destroy(Box box);

    Sighting inspect(Box box);

    /** What a provider says of a VM. */
    enum Sighting {
        RUNNING,
        FROZEN,
        STOPPED,
        GONE
    }
}
