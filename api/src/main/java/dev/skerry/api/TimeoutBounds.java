package dev.skerry.api;

import java.time.Duration;

/** How short and how long each timeout may be, both ends included: nothing may live for ever. */
public enum TimeoutBounds {
    IDLE(Duration.ofSeconds(1), Duration.ofDays(1)),
    SUSPENDED(Duration.ofSeconds(1), Duration.ofDays(90)),
    LIFETIME(Duration.ofSeconds(1), Duration.ofDays(90));

    private final Duration least;
    private final Duration most;

    TimeoutBounds(Duration least, Duration most) {
        this.least = least;
        this.most = most;
    }

    public boolean contain(Duration timeout) {
        return timeout.compareTo(least) >= 0 && timeout.compareTo(most) <= 0;
    }

    /** A sentence for people. */
    public String sentence() {
        return "Must be between " + least.toSeconds() + " second and " + most.toDays()
                + (most.toDays() == 1 ? " day." : " days.");
    }

    void check(String setting, Duration timeout) {
        if (!contain(timeout)) {
            throw new IllegalArgumentException(setting + " is out of bounds. " + sentence());
        }
    }
}
