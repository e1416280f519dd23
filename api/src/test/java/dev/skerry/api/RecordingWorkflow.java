package dev.skerry.api;

import dev.skerry.session.AgentSessionWorkflow;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.Money;
import dev.skerry.session.Reason;
import dev.skerry.session.SandboxLost;
import dev.skerry.session.SessionState;
import dev.skerry.session.SessionStatus;
import dev.skerry.session.Status;
import dev.skerry.session.TurnId;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInit;
import io.temporal.workflow.unsafe.WorkflowUnsafe;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Plays the workflow: remembers what it was asked, ends when it is told to. */
public class RecordingWorkflow implements AgentSessionWorkflow {
    private static final Map<String, List<String>> asked = new ConcurrentHashMap<>();
    private static final Map<String, SessionState> started = new ConcurrentHashMap<>();
    private static final Set<String> refusing = ConcurrentHashMap.newKeySet();

    private static final Set<String> stalling = ConcurrentHashMap.newKeySet();

    private static final Set<String> crowded = ConcurrentHashMap.newKeySet();

    private final SessionState state;
    private boolean over;

    @WorkflowInit
    public RecordingWorkflow(SessionState state) {
        this.state = state;
    }

    static List<String> asked(String session) {
        return asked.getOrDefault(session, List.of());
    }

    static SessionState started(String session) {
        return started.get(session);
    }

    static void crowd(String session) {
        crowded.add(session);
    }

    /** Has the workflow take turns and never say that it has. */
    static void stall(String session) {
        stalling.add(session);
    }

    static void refuse(String session) {
        refusing.add(session);
    }

    @Override
    public void run(SessionState ignored) {
        started.put(state.session().value(), state);
        try {
            Workflow.await(() -> over);
        } catch (CanceledFailure e) {
            record("cancelled");
            throw e;
        }
        Workflow.await(() -> Workflow.isEveryHandlerFinished());
    }

    @Override
    public SessionStatus submitTurn(TurnId turn) {
        Workflow.await(() -> over || !stalling.contains(state.session().value()));
        return record("submit " + turn);
    }

    @Override
    public void validateSubmitTurn(TurnId turn) {
        if (crowded.contains(state.session().value())) {
            throw ApplicationFailure.newNonRetryableFailure("Too many wait.", FailureTypes.TOO_MANY_WAITING);
        }
        if (refusing.contains(state.session().value())) {
            throw new IllegalStateException("The session is ending.");
        }
    }

    @Override
    public SessionStatus cancelTurn() {
        return record("cancel");
    }

    @Override
    public SessionStatus suspend() {
        return record("suspend");
    }

    @Override
    public SessionStatus resume() {
        return record("resume");
    }

    @Override
    public SessionStatus raiseBudget(Money cap) {
        return record("raise " + cap);
    }

    @Override
    public void validateRaiseBudget(Money cap) {}

    @Override
    public SessionStatus terminate(Reason reason) {
        over = true;
        return record("terminate " + reason.code());
    }

    @Override
    public void sandboxLost(SandboxLost lost) {}

    @Override
    public SessionStatus status() {
        return answer();
    }

    private SessionStatus record(String what) {
        if (!WorkflowUnsafe.isReplaying()) {
            asked.computeIfAbsent(state.session().value(), id -> new CopyOnWriteArrayList<>())
                    .add(what);
        }
        return answer();
    }

    private SessionStatus answer() {
        return new SessionStatus(Status.PROVISIONING, null, 0, null, null, 0, null, state.createdAt(), null);
    }
}
