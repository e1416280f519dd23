package dev.skerry.session;

import io.temporal.activity.ActivityInterface;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a session asks of the control plane. Every call is idempotent. */
@ActivityInterface
public interface ControlActivities {
    /** The metros that placement may choose from, as this worker sees them now. */
    List<MetroView> metros();

    /** Gives a turn to an incarnation, which makes the session run; completes with its outcome, which makes it idle. */
    TurnOutcome runTurn(Transition running, TurnId turn);

    /** Tells the sandbox to stop the turn, and everybody else that it was asked to. */
    void cancelTurn(SessionId session, TurnId turn);

    /** Ends a turn that no sandbox will end any more. */
    void endTurn(SessionId session, TurnId turn, TurnStatus status, Reason reason);

    /** Revokes every token of the session's incarnations up to this one. */
    void closeIncarnation(SessionId session, int incarnation);

    /** Projects a state change that no other activity brings about. */
    void report(Transition transition);

    /** Sets the most that the session may spend. */
    void raiseBudget(SessionId session, Money cap);

    /** Begins the end: revokes every token, ends every turn that is not over. */
    void stop(Transition terminating, TurnStatus turns, Reason reason);

    /** Closes the books: what was reserved and never settled. */
    void settle(Transition ended);

    /**
     * A metro as placement sees it.
     *
     * @param healthy false while its circuit is open, or when it says itself that it is not well
     * @param weight share of new sessions, relative to the others
     * @param free how many more VMs its quota allows, null when unknown
     * @param ailment what it suffers from when it is not healthy, null when nobody said
     */
    record MetroView(
            String code,
            String provider,
            boolean healthy,
            int weight,
            @Nullable Integer free,
            @Nullable String ailment) {
        public MetroView(String code, String provider, boolean healthy, int weight, @Nullable Integer free) {
            this(code, provider, healthy, weight, free, null);
        }
    }
}
