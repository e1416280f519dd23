package dev.skerry.worker;

import dev.skerry.activities.control.ControlPlane;
import dev.skerry.activities.docker.DockerProvider;
import dev.skerry.activities.docker.DockerSettings;
import dev.skerry.activities.http.JsonHttp;
import dev.skerry.activities.provider.Metro;
import dev.skerry.activities.unikraft.UnikraftProvider;
import dev.skerry.activities.unikraft.UnikraftSettings;
import dev.skerry.temporal.TemporalSettings;
import dev.skerry.worker.WorkerSettings.MetroSettings;
import io.micrometer.observation.ObservationRegistry;
import io.temporal.client.WorkflowClient;
import io.temporal.serviceclient.WorkflowServiceStubs;
import java.time.Clock;
import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** Wires the worker's outgoing connections. */
@Configuration(proxyBeanMethods = false)
class WorkerConfiguration {
    @Bean
    JsonMapper wire() {
        return JsonMapper.builder()
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .build();
    }

    @Bean
    ControlPlane controlPlane(WorkerSettings settings, JsonMapper wire, ObservationRegistry observations) {
        return new ControlPlane(new JsonHttp(
                "skerry.control.call",
                settings.controlPlane().url() + "/internal/v1",
                settings.controlPlane().token(),
                wire,
                observations));
    }

    @Bean
    List<Metro> metros(
            WorkerSettings settings,
            SandboxSettings sandbox,
            @Value("${skerry.installation}") String installation,
            JsonMapper wire,
            ObservationRegistry observations) {
        return settings.metros().stream()
                .map(metro -> new Metro(
                        metro.code(),
                        metro.weight(),
                        switch (sandbox.mode()) {
                            case UKC -> new UnikraftProvider(unikraft(metro), installation, wire, observations);
                            case DOCKER -> new DockerProvider(docker(metro), installation, observations);
                        },
                        Clock.systemUTC()))
                .toList();
    }

    private static DockerSettings docker(MetroSettings metro) {
        return new DockerSettings(
                metro.code(),
                metro.url(),
                metro.docker().certificates(),
                metro.image(),
                metro.memoryMb(),
                metro.vcpus(),
                metro.docker().runtime(),
                metro.docker().uplink(),
                metro.docker().subnets());
    }

    private static UnikraftSettings unikraft(MetroSettings metro) {
        return new UnikraftSettings(
                metro.code(),
                metro.url(),
                metro.token(),
                metro.image(),
                metro.memoryMb(),
                metro.vcpus(),
                metro.autokill());
    }

    @Bean
    TemporalSettings temporalSettings(
            @Value("${skerry.temporal.target}") String target,
            @Value("${skerry.temporal.namespace:default}") String namespace) {
        return new TemporalSettings(target, namespace);
    }

    @Bean(destroyMethod = "shutdown")
    WorkflowServiceStubs stubs(TemporalSettings settings) {
        return settings.stubs();
    }

    @Bean
    WorkflowClient workflowClient(TemporalSettings settings, WorkflowServiceStubs stubs) {
        return settings.client(stubs);
    }
}
