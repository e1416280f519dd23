package dev.skerry.controlplane.identity;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a sandbox says of itself when it comes up; claims, all of it.
 *
 * @param nonce 32 hex characters of the caller's choice, the same when it repeats
 * @param driver plain, bubblewrap, docker or vm
 */
record Hello(
        @Nullable String nonce,
        @Nullable String runtimeVersion,
        @Nullable String driver,
        @Nullable List<Probe> probes) {

    /** One question that the sandbox answered about its own walls: pass, fail or unsupported. */
    record Probe(
            @Nullable String id,
            @Nullable String result,
            @Nullable String detail) {}
}
