package dev.skerry.activities.provider;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * Leaves a metro alone that fails: three failures in a row open it, after 30 s one caller may try, and what becomes of that decides.
 *
 * <p>A trial of which nobody hears makes room for the next after as long again.
 */
final class Circuit {
    private static final int FAILURES_TO_OPEN = 3;
    private static final Duration OPEN_FOR = Duration.ofSeconds(30);

    private final Clock clock;
    private int failures;
    private Instant triable = Instant.EPOCH;

    Circuit(Clock clock) {
        this.clock = clock;
    }

    /** Where it is; the number is what metrics show. */
    enum State {
        CLOSED(0),
        HALF_OPEN(1),
        OPEN(2);

        private final int number;

        State(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }
    }

    synchronized State state() {
        if (failures < FAILURES_TO_OPEN) {
            return State.CLOSED;
        }
        return clock.instant().isBefore(triable) ? State.OPEN : State.HALF_OPEN;
    }

    /** Whether this caller may go; in a half-open circuit only the first may. */
    synchronized boolean admits() {
        return switch (state()) {
            case CLOSED -> true;
            case OPEN -> false;
            case HALF_OPEN -> {
                triable = clock.instant().plus(OPEN_FOR);
                yield true;
            }
        };
    }

    synchronized void succeeded() {
        failures = 0;
    }

    synchronized void failed() {
        failures++;
        triable = clock.instant().plus(OPEN_FOR);
    }
}
