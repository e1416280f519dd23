package dev.skerry.controlplane.completion;

import dev.skerry.temporal.TemporalSettings;
import io.temporal.client.WorkflowClient;
import io.temporal.serviceclient.WorkflowServiceStubs;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Connects to Temporal, lazily: sandboxes are served while it is away. */
@Configuration(proxyBeanMethods = false)
class TemporalConnection {
    @Bean
    TemporalSettings temporalSettings(
            @Value("${skerry.temporal.target:127.0.0.1:7233}") String target,
            @Value("${skerry.temporal.namespace:default}") String namespace) {
        return new TemporalSettings(target, namespace);
    }

    @Bean(destroyMethod = "shutdown")
    WorkflowServiceStubs temporalStubs(TemporalSettings settings) {
        return settings.stubs();
    }

    @Bean
    WorkflowClient temporalClient(TemporalSettings settings, WorkflowServiceStubs stubs) {
        return settings.client(stubs);
    }
}
