package dev.skerry.session;

import io.temporal.activity.ActivityInterface;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a session asks of the control plane. Every call is idempotent. */
@ActivityInterface
public interface ControlActivities {
    /** The metros that placement may choose from, as this worker sees them now. */
    List<MetroView> metros();

    /** Opens an incarnation that wakes a frozen one. A boot's incarnation is opened by {@link SandboxActivities#provision}. */
    void openResume(SessionId session, int incarnation, int resumes);

    /** Completes when the incarnation's hello was accepted. */
    HelloReport awaitHello(SessionId session, int incarnation);

    /** Gives a turn to an incarnation; completes with its outcome. */
    TurnOutcome runTurn(SessionId session, int incarnation, TurnId turn);

    /** Tells the sandbox to stop the turn, and everybody else that it was asked to. */
    void cancelTurn(SessionId session, TurnId turn);

    /** Ends a turn that no sandbox will end any more. */
    void endTurn(SessionId session, TurnId turn, TurnStatus status, Reason reason);

    /**
     * Asks the sandbox to store its files, waits for that (bounded), and from then on accepts its token only for being exchanged at a
     * resume. Answers whether the files were stored.
     */
    boolean freeze(SessionId session, int incarnation);

    /** Revokes every token of the session's incarnations up to this one. */
    void closeIncarnation(SessionId session, int incarnation);

    /** Projects a state change onto the session's row and its log. */
    void report(Transition transition);

    /** Closes the books: what was reserved and never settled. */
    void settleSession(SessionId session);

    /**
     * A state change.
     *
     * @param number counts up within the session, for exactly-once effect
     * @param tookMillis how long what led to this state took, null when nothing did
     */
    record Transition(
            SessionId session,
            int number,
            Status status,
            @Nullable Reason reason,
            int incarnation,
            @Nullable Box box,
            @Nullable Long tookMillis) {}

    /**
     * A metro as placement sees it.
     *
     * @param healthy false while its circuit is open
     * @param weight share of new sessions, relative to the others
     * @param free how many more VMs its quota allows, null when unknown
     */
    record MetroView(
            String code,
            String provider,
            boolean healthy,
            int weight,
            @Nullable Integer free) {}
}
