package dev.skerry.api.health;

import io.temporal.api.workflowservice.v1.GetSystemInfoRequest;
import io.temporal.serviceclient.WorkflowServiceStubs;
import jakarta.annotation.PreDestroy;
import java.sql.Connection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.sql.DataSource;
import org.springframework.stereotype.Component;

/** Asks everything this process needs whether it answers within a second. */
@Component
class Readiness {
    private static final int DEADLINE_SECONDS = 1;

    private final DataSource postgres;
    private final WorkflowServiceStubs temporal;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    Readiness(DataSource postgres, WorkflowServiceStubs temporal) {
        this.postgres = postgres;
        this.temporal = temporal;
    }

    @PreDestroy
    void stop() {
        threads.shutdownNow();
    }

    /** By name, whether each answered. */
    Map<String, Boolean> check() throws InterruptedException {
        Future<Boolean> store = threads.submit(this::postgres);
        Future<Boolean> engine = threads.submit(this::temporal);
        Map<String, Boolean> checks = new LinkedHashMap<>();
        checks.put("postgres", answered(store));
        checks.put("temporal", answered(engine));
        return checks;
    }

    private boolean postgres() throws Exception {
        try (Connection connection = postgres.getConnection()) {
            return connection.isValid(DEADLINE_SECONDS);
        }
    }

    private boolean temporal() {
        temporal.blockingStub()
                .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                .getSystemInfo(GetSystemInfoRequest.getDefaultInstance());
        return true;
    }

    private static boolean answered(Future<Boolean> check) throws InterruptedException {
        try {
            return check.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            check.cancel(true);
            return false;
        }
    }
}
