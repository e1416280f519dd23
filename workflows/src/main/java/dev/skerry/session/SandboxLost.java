package dev.skerry.session;

import org.jspecify.annotations.Nullable;

/**
 * News that a sandbox is gone.
 *
 * @param incarnation the one that is gone; news of an older one is ignored
 * @param reason stable code
 * @param vm the VM that is gone, for who knows no incarnation; news of another VM is ignored
 * @param how what became of it, a phrase that goes on after "The sandbox"
 */
public record SandboxLost(
        int incarnation,
        String reason,
        @Nullable SandboxName vm,
        @Nullable String how) {}
