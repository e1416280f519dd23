package dev.skerry.temporal;

import com.uber.m3.tally.Scope;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.common.converter.DataConverter;
import io.temporal.common.converter.DefaultDataConverter;
import io.temporal.common.converter.Jackson3JsonPayloadConverter;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where Temporal is.
 *
 * @param target host and port of the frontend's gRPC endpoint
 * @param namespace the namespace that holds the sessions
 */
public record TemporalSettings(String target, String namespace) {
    private static final Duration RPC_TIMEOUT = Duration.ofSeconds(10);

    /** Connects lazily; calls fail after ten seconds and are retried by the SDK where that is safe. */
    public WorkflowServiceStubs stubs() {
        return WorkflowServiceStubs.newServiceStubs(WorkflowServiceStubsOptions.newBuilder()
                .setTarget(target)
                .setRpcTimeout(RPC_TIMEOUT)
                .build());
    }

    /** The same, and what the SDK measures goes to the scope. */
    public WorkflowServiceStubs stubs(Scope metrics) {
        return WorkflowServiceStubs.newServiceStubs(WorkflowServiceStubsOptions.newBuilder()
                .setTarget(target)
                .setRpcTimeout(RPC_TIMEOUT)
                .setMetricsScope(metrics)
                .build());
    }

    public WorkflowClient client(WorkflowServiceStubs stubs) {
        return WorkflowClient.newInstance(
                stubs,
                WorkflowClientOptions.newBuilder()
                        .setNamespace(namespace)
                        .setDataConverter(dataConverter())
                        .setContextPropagators(List.of(new TracePropagator()))
                        .build());
    }

    /** JSON by Jackson 3, named explicitly so that a class path cannot change how histories are read. */
    public static DataConverter dataConverter() {
        return DefaultDataConverter.newDefaultInstance()
                .withPayloadConverterOverrides(
                        new Jackson3JsonPayloadConverter(JsonMapper.builder().build()));
    }
}
