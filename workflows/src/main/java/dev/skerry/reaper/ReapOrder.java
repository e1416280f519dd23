package dev.skerry.reaper;

import java.time.Duration;
import java.util.List;

/**
 * What a sweep may do.
 *
 * @param metros codes of the metros to look at, empty for every one that the worker knows
 * @param dryRun reports and destroys nothing
 * @param grace younger VMs are left alone
 * @param confirmAfter an orphan must still be one after this long
 * @param most at most so many are destroyed in one sweep and metro, so that a mistake stays small
 */
public record ReapOrder(List<String> metros, boolean dryRun, Duration grace, Duration confirmAfter, int most) {
    /** The schedule's order. */
    public static ReapOrder usual(List<String> metros) {
        return new ReapOrder(metros, false, Duration.ofMinutes(10), Duration.ofSeconds(30), 50);
    }
}
