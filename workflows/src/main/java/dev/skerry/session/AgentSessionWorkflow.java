package dev.skerry.session;

import io.temporal.workflow.QueryMethod;
import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.UpdateMethod;
import io.temporal.workflow.UpdateValidatorMethod;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/**
 * Owns one session from creation to its end: every VM it has, every turn it runs. Its workflow id is the session id.
 *
 * <p>Updates are idempotent and answer the resulting state.
 */
@WorkflowInterface
public interface AgentSessionWorkflow {
    /** Cancels the workflow with this reason when its owner deletes the session and no update gets through. */
    String DELETED_BY_OWNER = "deleted";

    /** So many turns of a session may wait for the one that runs; a message beyond them is refused. */
    int MOST_WAITING = 1_000;

    @WorkflowMethod
    void run(SessionState state);

    /** Queues a turn whose message is stored already; a turn that was accepted before is accepted again without effect. */
    @UpdateMethod
    SessionStatus submitTurn(TurnId turn);

    @UpdateValidatorMethod(updateName = "submitTurn")
    void validateSubmitTurn(TurnId turn);

    /** Stops the turn in progress; the session goes on. */
    @UpdateMethod
    SessionStatus cancelTurn();

    @UpdateMethod
    SessionStatus suspend();

    @UpdateMethod
    SessionStatus resume();

    /** Lets the session spend up to this much in all. One that was suspended after its budget was used up wakes. */
    @UpdateMethod
    SessionStatus raiseBudget(Money cap);

    @UpdateValidatorMethod(updateName = "raiseBudget")
    void validateRaiseBudget(Money cap);

    /** Ends the session, in whatever state it is. */
    @UpdateMethod
    SessionStatus terminate(Reason reason);

    /** The control plane knows that an incarnation is gone before its heartbeat times out. */
    @SignalMethod
    void sandboxLost(SandboxLost lost);

    @QueryMethod
    SessionStatus status();
}
