package dev.skerry.api.workflow;

import io.temporal.client.WorkflowClient;
import io.temporal.serviceclient.WorkflowServiceStubs;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** One connection to Temporal, made when it is first needed. */
@Configuration(proxyBeanMethods = false)
class TemporalConfiguration {
    @Bean(destroyMethod = "shutdownNow")
    WorkflowServiceStubs workflowServiceStubs(TemporalProperties properties) {
        return properties.settings().stubs();
    }

    @Bean
    WorkflowClient workflowClient(TemporalProperties properties, WorkflowServiceStubs stubs) {
        return properties.settings().client(stubs);
    }
}
