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
 * @param transitions how many state changes were reported so far
 * @param waiting turns accepted and not begun, in order
 * @param accepted ids of the last accepted turns, for deduplication
 * @param quietSince since when there is nothing to do, or since when it is suspended
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
        int transitions,
        List<TurnId> waiting,
        List<TurnId> accepted,
        @Nullable Instant quietSince) {

    /** A session that was just created. */
    public static SessionState created(
            SessionId session, String tenant, String installation, Timeouts timeouts, Instant createdAt) {
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
                null);
    }
}
