package dev.skerry.metro;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Runs sandboxes on this machine, in whatever box the driver has. */
interface SandboxDriver {
    /** What it is and why, for people. */
    String description();

    /** Starts a sandbox with exactly the given environment. */
    Handle start(Launch launch) throws IOException;

    /** Finds a sandbox that an earlier metro started; it may have ended since. */
    Handle find(Identity identity);

    /** What to start, and where its files and its console are. */
    record Launch(
            List<String> command,
            List<Path> readOnlyPaths,
            Map<String, String> environment,
            Path workspace,
            Path console) {}

    /**
     * What identifies a process for as long as the machine runs.
     *
     * @param startTicks from field 22 of /proc/pid/stat, since process ids are used again
     */
    record Identity(long pid, long startTicks) {}

    /** A started sandbox. */
    interface Handle {
        Identity identity();

        boolean alive();

        /** Stops every process of the sandbox without ending any. */
        void freeze() throws IOException;

        void thaw() throws IOException;

        /** Asks for an end, waits for the grace, then forces it; afterwards no process is left. */
        void end(java.time.Duration grace);

        /** Runs the action once the sandbox has ended; the exit code is empty when it is not known. */
        void onExit(java.util.function.Consumer<OptionalInt> action);

        /** Resident memory of every process, in bytes. */
        long residentBytes();
    }
}
