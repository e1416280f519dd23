package dev.skerry.cli.stack;

import java.util.List;
import java.util.Map;

/** Whoever runs the sandboxes of a stack on this machine; closing it ends all of them. */
interface SandboxHost extends AutoCloseable {
    /** The address that the control plane's sandbox listener must have, so that sandboxes reach it. */
    String address();

    /** What the worker has to know of it. */
    Map<String, Object> workerSettings();

    /** What separates a sandbox from this machine, in a few words. */
    String isolation();

    /** Ids of the probes without which no sandbox of this host gets a turn; empty leaves the control plane's own choice. */
    default List<String> requiredProbes() {
        return List.of();
    }

    @Override
    void close();
}
