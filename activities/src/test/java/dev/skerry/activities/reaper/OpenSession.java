package dev.skerry.activities.reaper;

import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.Box;
import dev.skerry.session.Money;
import dev.skerry.session.Reason;
import dev.skerry.session.SandboxLost;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import dev.skerry.session.SessionState;
import dev.skerry.session.SessionStatus;
import dev.skerry.session.Status;
import dev.skerry.session.Timeouts;
import dev.skerry.session.TurnId;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInit;
import java.time.Duration;
import java.time.Instant;

/** A session that goes on and names the VM in its state's installation as its own. */
public final class OpenSession implements AgentSessionWorkflow {
    private final SessionState state;
    private boolean over;

    @WorkflowInit
    public OpenSession(SessionState state) {
        this.state = state;
    }

    static SessionState owning(SessionId session, String vm) {
        Duration day = Duration.ofDays(1);
        return SessionState.created(session, "ten_test", vm, new Timeouts(day, day, day), Instant.EPOCH);
    }

    @Override
    public void run(SessionState ignored) {
        Workflow.await(() -> over);
    }

    @Override
    public SessionStatus status() {
        Box box = new Box(new SandboxName(state.installation()), "local", "listed");
        return new SessionStatus(Status.IDLE, null, 1, box, null, 0, null, state.createdAt(), null);
    }

    @Override
    public SessionStatus terminate(Reason reason) {
        over = true;
        return status();
    }

    @Override
    public SessionStatus submitTurn(TurnId turn) {
        return status();
    }

    @Override
    public void validateSubmitTurn(TurnId turn) {}

    @Override
    public SessionStatus cancelTurn() {
        return status();
    }

    @Override
    public SessionStatus suspend() {
        return status();
    }

    @Override
    public SessionStatus resume() {
        return status();
    }

    @Override
    public SessionStatus raiseBudget(Money cap) {
        return status();
    }

    @Override
    public void validateRaiseBudget(Money cap) {}

    @Override
    public void sandboxLost(SandboxLost lost) {}
}
