package dev.skerry.metro.driver;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Runs sandboxes on this machine, in whatever box the driver has.
 *
 * <p>A driver keeps what it must know after a restart of the metro, such as a process id or the name of a snapshot, in the directory of
 * the launch. Nothing it starts ends with the metro's own process.
 */
public interface SandboxDriver {
    /** What it is and why, for people, such as {@code process/bubblewrap}. */
    String description();

    /** Whether this driver can boot that kind of image. */
    boolean boots(Image image);

    /**
     * Boots a sandbox with exactly the given environment; returns once the box is there, not when its program is ready.
     *
     * @throws IOException when it does not boot; then nothing of it is left running
     */
    Sandbox start(Launch launch) throws IOException;

    /** Finds what an earlier metro started in the directory of the launch; it may be running, frozen or have ended. */
    Sandbox find(Launch launch);

    /** Templates and clones, where memory can be copied; empty means that a clone boots anew. */
    default Optional<Snapshots> snapshots() {
        return Optional.empty();
    }

    /** Copies of a sandbox's memory. */
    interface Snapshots {
        /** Writes the memory of a frozen sandbox into the directory {@code template}; the sandbox stays frozen. */
        void capture(Sandbox frozen, Path template) throws IOException;

        /**
         * Starts a sandbox that goes on where the captured one was frozen.
         *
         * <p>Its environment is that of the template; files of the launch come into the guest after it runs, in their order, each whole
         * before the next. Nothing of the template is shared but what it was: copies write to none of its files.
         */
        Sandbox start(Launch launch, Path template) throws IOException;
    }
}
