package dev.skerry.worker;

import dev.skerry.activities.docker.DockerProvider;
import dev.skerry.activities.provider.Metro;
import dev.skerry.session.SandboxLost;
import dev.skerry.session.SessionId;
import io.grpc.StatusRuntimeException;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Tells a session at once that its sandbox ended, where the provider says so by itself. */
@Component
class LossWatch implements SmartLifecycle {
    private static final Logger log = LoggerFactory.getLogger(LossWatch.class);

    private final List<Metro> metros;
    private final WorkflowClient client;
    private final List<AutoCloseable> watches = new ArrayList<>();

    LossWatch(List<Metro> metros, WorkflowClient client) {
        this.metros = metros;
        this.client = client;
    }

    @Override
    public synchronized void start() {
        for (Metro metro : metros) {
            if (metro.provider() instanceof DockerProvider docker) {
                watches.add(docker.watch(this::tell));
            }
        }
    }

    /** A session that is over wants no news; one that cannot be told finds out by itself, later. */
    private void tell(SessionId session, SandboxLost lost) {
        try {
            client.newUntypedWorkflowStub(session.value()).signal("sandboxLost", lost);
        } catch (WorkflowException | StatusRuntimeException e) {
            log.info("Session {} was not told that its sandbox ended: {}", session, e.getMessage());
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
