package dev.skerry.system.chaos;

import java.time.Instant;

/**
 * A fault that was injected.
 *
 * @param over when the fault itself had passed
 * @param victim the session that it hit, where it hit one only, or empty
 * @param metro the code of the metro that it hit, where it hit one, or empty
 * @param struck whether it found anything to strike
 */
record Injection(
        int number, Fault fault, String when, Instant at, Instant over, String victim, String metro, boolean struck) {}
