package dev.skerry.metro.process;

import dev.skerry.metro.driver.Exit;
import dev.skerry.metro.driver.LocalProcess;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.Usage;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A session of processes; {@code process} is null when an earlier metro started it. */
final class ProcessSandbox implements Sandbox {
    private static final Logger log = LoggerFactory.getLogger(ProcessSandbox.class);

    private final LocalProcess leader;
    private final @Nullable Process process;
    private final AtomicBoolean told = new AtomicBoolean();

    ProcessSandbox(LocalProcess leader, @Nullable Process process) {
        this.leader = leader;
        this.process = process;
    }

    @Override
    public Condition condition() {
        if (!leader.alive()) {
            return Condition.ENDED;
        }
        return ProcessTree.frozen(leader.pid()) ? Condition.FROZEN : Condition.RUNNING;
    }

    @Override
    public void freeze() throws IOException {
        demandLife();
        ProcessTree.freeze(leader.pid());
    }

    @Override
    public void thaw() throws IOException {
        demandLife();
        ProcessTree.thaw(leader.pid());
    }

    private void demandLife() throws IOException {
        if (!leader.alive()) {
            throw new IOException("the sandbox has ended");
        }
    }

    @Override
    public void end(Duration grace) {
        told.set(true);
        try {
            if (leader.alive() && !grace.isZero()) {
                ProcessTree.signal("TERM", List.of(leader.pid()));
                ProcessTree.thaw(leader.pid());
                Instant deadline = Instant.now().plus(grace);
                while (leader.alive() && Instant.now().isBefore(deadline)) {
                    ProcessTree.pause();
                }
            }
            boolean orphansMayBeLeft =
                    leader.pid() > 0 && LocalProcess.of(leader.pid()).isEmpty();
            if (leader.alive() || orphansMayBeLeft) {
                ProcessTree.kill(leader.pid());
            }
        } catch (IOException e) {
            log.warn("could not end process {}: {}", leader.pid(), e.getMessage());
        }
    }

    @Override
    public void onExit(Consumer<Exit> action) {
        if (process != null) {
            Future<?> _ = process.onExit().thenAccept(ended -> tell(action, new Exit.Ended(ended.exitValue())));
            return;
        }
        ProcessHandle found = ProcessHandle.of(leader.pid()).orElse(null);
        if (found == null || !leader.alive()) {
            tell(action, new Exit.Unseen());
        } else {
            Future<?> _ = found.onExit().thenAccept(_ -> tell(action, new Exit.Unseen()));
        }
    }

    private void tell(Consumer<Exit> action, Exit exit) {
        if (told.compareAndSet(false, true)) {
            action.accept(exit);
        }
    }

    @Override
    public Usage usage() {
        return leader.alive()
                ? new Usage(ProcessTree.residentBytes(leader.pid()), ProcessTree.cpu(leader.pid()))
                : Usage.NONE;
    }
}
