package dev.skerry.session;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything a session's workflow carries from one run to the next.
 *
 * @param installation which Skerry owns the VMs, at most 12 lower-case letters and digits
 * @param createdAt when the session was created, the anchor of its lifetime
 * @param incarnation newest incarnation, 0 before the first
 * @param box the VM that exists or may exist, null when there is none
 * @param frozen whether the box is suspended
 * @param transitions number of the newest state change
 * @param waiting turns accepted and not begun, in order
 * @param accepted ids of the last accepted turns, for deduplication
 * @param cancelled turns that wait and are to be cancelled
 * @param quietSince since when there is nothing to do, or since when it is suspended
 * @param born whether a sandbox ever came up, so that there is a conversation to come back to
 * @param suspendAsked whether to suspend when nothing waits
 * @param resumeAsked whether to wake without a turn
 * @param lostIncarnation newest incarnation that is known to be gone
 * @param turnsPerRun continue as new after so many turns, null to follow the server's suggestion
 * @param budgetReached whether the last turn stopped because the budget was used up; null, in older histories, for no
 * @param leftBehind VMs that could not be destroyed when they were given up and still may exist; null, in older histories, for none
 * @param mostReplacements sandboxes that a turn may lose and still go on in the next; null, in older histories, for the usual number
 */
public record SessionState(
        SessionId session,
        String tenant,
        String installation,
        Timeouts timeouts,
        Instant createdAt,
        Status status,
        @Nullable Reason reason,
        int incarnation,
        @Nullable Box box,
        boolean frozen,
        long transitions,
        List<TurnId> waiting,
        List<TurnId> accepted,
        List<TurnId> cancelled,
        @Nullable Instant quietSince,
        boolean born,
        boolean suspendAsked,
        boolean resumeAsked,
        int lostIncarnation,
        @Nullable Integer turnsPerRun,
        @Nullable Boolean budgetReached,
        @Nullable List<Box> leftBehind,
        @Nullable Integer mostReplacements) {
    /** How often a turn goes on in a new sandbox, unless the installation says otherwise. */
    public static final int USUAL_REPLACEMENTS = 3;

    /** A session that was just created. */
    public static SessionState created(
            SessionId session, String tenant, String installation, Timeouts timeouts, Instant createdAt) {
        return created(session, tenant, installation, timeouts, createdAt, USUAL_REPLACEMENTS);
    }

    /** The same, where a turn may lose so many sandboxes. */
    public static SessionState created(
            SessionId session,
            String tenant,
            String installation,
            Timeouts timeouts,
            Instant createdAt,
            int mostReplacements) {
        return new SessionState(
                session,
                tenant,
                installation,
                timeouts,
                createdAt,
                Status.PROVISIONING,
                null,
                0,
                null,
                false,
                0,
                List.of(),
                List.of(),
                List.of(),
                null,
                false,
                false,
                false,
                0,
                null,
                false,
                List.of(),
                mostReplacements);
    }

    /** The same with a smaller run, for servers that never suggest to continue as new. */
    public SessionState withTurnsPerRun(int turns) {
        return new SessionState(
                session,
                tenant,
                installation,
                timeouts,
                createdAt,
                status,
                reason,
                incarnation,
                box,
                frozen,
                transitions,
                waiting,
                accepted,
                cancelled,
                quietSince,
                born,
                suspendAsked,
                resumeAsked,
                lostIncarnation,
                turns,
                budgetReached,
                leftBehind,
                mostReplacements);
    }
}
