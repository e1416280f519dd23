package dev.skerry.session;

import io.temporal.activity.ActivityInterface;

/**
 * What a session asks of its provider. Every call is idempotent: suspending the suspended and destroying the gone succeed.
 *
 * <p>Failures carry an application failure type of {@link FailureTypes}.
 */
@ActivityInterface
public interface SandboxActivities {
    /** Creates the VM by its deterministic name and waits until it runs. The boot token is fetched inside and never returned. */
    Box provision(Provision request);

    void suspend(Box box);

    void resume(Box box);

    /** Returns when the VM does not exist any more. */
    void destroy(Box box);

    Sighting inspect(Box box);

    /**
     * What to create.
     *
     * @param name of the VM
     */
    record Provision(SessionId session, int incarnation, SandboxName name, String metro) {}

    /** What a provider says of a VM. */
    enum Sighting {
        RUNNING,
        FROZEN,
        STOPPED,
        GONE
    }
}
