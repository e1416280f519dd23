package dev.skerry.session;

import java.time.Duration;

/**
 * How long a session may do nothing, and live at all.
 *
 * @param idle awake without a message, then suspended
 * @param suspended frozen, then the VM is destroyed while the session stays resumable
 * @param lifetime from creation to the end, whatever happens
 */
public record Timeouts(Duration idle, Duration suspended, Duration lifetime) {}
