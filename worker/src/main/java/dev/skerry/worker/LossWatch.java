package dev.skerry.worker;

import dev.skerry.activities.docker.DockerProvider;
import dev.skerry.activities.provider.AwakeSessions;
import dev.skerry.activities.provider.LossLook;
import dev.skerry.activities.provider.Metro;
import io.micrometer.core.instrument.MeterRegistry;
import io.temporal.client.WorkflowClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Tells a session soon that its sandbox ended: at once where the provider says so by itself, and by looking where it does not. */
@Component
class LossWatch implements SmartLifecycle {
    private static final Logger log = LoggerFactory.getLogger(LossWatch.class);

    private final List<Metro> metros;
    private final AwakeSessions sessions;
    private final Duration every;
    private final String installation;
    private final MeterRegistry meters;
    private final List<AutoCloseable> watches = new ArrayList<>();

    LossWatch(
            List<Metro> metros,
            WorkflowClient client,
            WorkerSettings settings,
            MeterRegistry meters,
            @Value("${skerry.installation}") String installation) {
        this.metros = metros;
        this.sessions = new AwakeSessions(client);
        this.every = settings.watchEvery();
        this.meters = meters;
        this.installation = installation;
    }

    @Override
    public synchronized void start() {
        for (Metro metro : metros) {
            if (metro.provider() instanceof DockerProvider docker) {
                watches.add(docker.watch(sessions::tell));
            } else if (every.isPositive()) {
                watches.add(looking(new LossLook(metro, installation, sessions, meters)));
            }
        }
    }

    private AutoCloseable looking(LossLook look) {
        ScheduledExecutorService timer =
                Executors.newSingleThreadScheduledExecutor(Thread.ofVirtual().factory());
        Future<?> _ = timer.scheduleWithFixedDelay(
                () -> look(look), every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
        return timer::shutdownNow;
    }

    private static void look(LossLook look) {
        try {
            look.look();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            log.warn("A look for lost sandboxes broke off and is repeated", e);
        }
    }

    @Override
    public synchronized void stop() {
        for (AutoCloseable watch : watches) {
            try {
                watch.close();
            } catch (Exception e) {
                log.warn("A watch on sandboxes did not close cleanly", e);
            }
        }
        watches.clear();
    }

    @Override
    public synchronized boolean isRunning() {
        return !watches.isEmpty();
    }
}
