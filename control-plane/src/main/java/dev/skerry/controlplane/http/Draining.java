package dev.skerry.controlplane.http;

import dev.skerry.controlplane.ControlPlaneSettings;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * The first part of stopping: readiness says no already, what only waits is let go, new calls are sent elsewhere, what is in progress
 * goes on. Then the listeners close and the server waits for the rest.
 */
@Component
public class Draining implements SmartLifecycle {
    private static final Logger log = LoggerFactory.getLogger(Draining.class);

    private final Duration notice;
    private final List<Runnable> told = new CopyOnWriteArrayList<>();
    private volatile boolean running;
    private volatile boolean begun;

    Draining(ControlPlaneSettings settings) {
        this.notice = settings.drainNotice();
    }

    /** Whether this process is about to stop. */
    public boolean begun() {
        return begun;
    }

    /** Runs {@code listener}, which must be quick, whenever it begins. */
    public void whenBegun(Runnable listener) {
        told.add(listener);
    }

    @Override
    public void start() {
        running = true;
        begun = false;
    }

    @Override
    public void stop() {
        running = false;
        begun = true;
        told.forEach(Runnable::run);
    }

    @Override
    public void stop(Runnable stopped) {
        log.info("about to stop: new calls are refused, those in progress may end");
        stop();
        if (notice.isPositive()) {
            CompletableFuture.delayedExecutor(notice.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(stopped);
        } else {
            stopped.run();
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
