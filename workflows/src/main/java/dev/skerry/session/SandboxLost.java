package dev.skerry.session;

/**
 * News that a sandbox is gone.
 *
 * @param incarnation the one that is gone; news of an older one is ignored
 * @param reason stable code
 */
public record SandboxLost(int incarnation, String reason) {}
