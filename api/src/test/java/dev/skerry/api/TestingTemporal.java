package dev.skerry.api;

import dev.skerry.session.TaskQueues;
import dev.skerry.temporal.SearchAttributes;
import dev.skerry.temporal.TemporalSettings;
import io.temporal.api.operatorservice.v1.AddSearchAttributesRequest;
import io.temporal.serviceclient.OperatorServiceStubs;
import io.temporal.serviceclient.OperatorServiceStubsOptions;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.testserver.TestServer;
import io.temporal.worker.WorkerFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** A Temporal server on a port, with a worker that runs {@link RecordingWorkflow}. */
final class TestingTemporal implements AutoCloseable {
    private final TestServer.PortBoundTestServer server;
    private final WorkflowServiceStubs stubs;
    private final WorkerFactory workers;

    TestingTemporal(int port) {
        server = TestServer.createPortBoundServer(port, true);
        OperatorServiceStubs operator = OperatorServiceStubs.newServiceStubs(OperatorServiceStubsOptions.newBuilder()
                .setTarget("127.0.0.1:" + port)
                .validateAndBuildWithDefaults());
        operator.blockingStub()
                .addSearchAttributes(AddSearchAttributesRequest.newBuilder()
                        .setNamespace("default")
                        .putAllSearchAttributes(SearchAttributes.TYPES)
                        .build());
        operator.shutdownNow();
        TemporalSettings settings = new TemporalSettings("127.0.0.1:" + port, "default");
        stubs = settings.stubs();
        workers = WorkerFactory.newInstance(settings.client(stubs));
        workers.newWorker(TaskQueues.SESSIONS).registerWorkflowImplementationTypes(RecordingWorkflow.class);
        workers.start();
    }

    static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        workers.shutdownNow();
        stubs.shutdownNow();
        server.close();
    }
}
