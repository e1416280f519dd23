package dev.skerry.metro.driver;

import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;

/** One started sandbox. Every verb may be called from any thread, and none leaves it half done when it fails. */
public interface Sandbox {
    /** Where it is. */
    enum Condition {
        RUNNING,
        /** Keeps its memory and does nothing; survives a restart of the metro, and of the machine where memory is in a file. */
        FROZEN,
        ENDED
    }

    Condition condition();

    /** Stops everything in it without ending any; returns when it is frozen. Does nothing to a frozen one. */
    void freeze() throws IOException;

    /** Lets a frozen one go on; returns when it does. Does nothing to a running one. */
    void thaw() throws IOException;

    /** Asks for an end, waits for the grace, then forces it; afterwards no process and no snapshot of it is left. */
    void end(Duration grace);

    /** Runs the action once, when the sandbox ends by itself: not for {@link #freeze} and not for {@link #end}. */
    void onExit(Consumer<Exit> action);

    Usage usage();
}
