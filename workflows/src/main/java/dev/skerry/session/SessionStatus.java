package dev.skerry.session;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the workflow answers about its session.
 *
 * @param incarnation newest incarnation, 0 before the first
 * @param turn the turn in progress
 * @param waiting turns that wait behind it
 * @param suspendsAt when the session will be suspended if nothing happens, while it is idle
 * @param endsAt when its lifetime is over
 * @param vmEndsAt when its VM will be destroyed if nothing happens, while it is suspended with one
 */
public record SessionStatus(
        Status status,
        @Nullable Reason reason,
        int incarnation,
        @Nullable Box box,
        @Nullable TurnId turn,
        int waiting,
        @Nullable Instant suspendsAt,
        Instant endsAt,
        @Nullable Instant vmEndsAt) {}
