package dev.skerry.metro.driver;

import java.time.Duration;

/**
 * What a sandbox takes from its machine.
 *
 * @param residentBytes memory in use now, 0 when nothing runs
 * @param cpu time since it was started or thawed
 */
public record Usage(long residentBytes, Duration cpu) {
    public static final Usage NONE = new Usage(0, Duration.ZERO);
}
