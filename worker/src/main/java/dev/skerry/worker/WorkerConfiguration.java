package dev.skerry.worker;

import com.uber.m3.tally.RootScopeBuilder;
import dev.skerry.activities.control.ControlPlane;
import dev.skerry.activities.docker.DockerProvider;
import dev.skerry.activities.docker.DockerSettings;
import dev.skerry.activities.http.JsonHttp;
import dev.skerry.activities.provider.Metro;
import dev.skerry.activities.unikraft.UnikraftProvider;
import dev.skerry.activities.unikraft.UnikraftSettings;
import dev.skerry.temporal.TemporalSettings;
import dev.skerry.worker.WorkerSettings.MetroSettings;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.observation.ObservationRegistry;
import io.temporal.client.WorkflowClient;
import io.temporal.common.reporter.MicrometerClientStatsReporter;
import io.temporal.serviceclient.WorkflowServiceStubs;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/** Wires the worker's outgoing connections. */
@Configuration(proxyBeanMethods = false)
class WorkerConfiguration {
    private static final double METRICS_EVERY_SECONDS = 5;
    private static final Set<String> KEPT_METRICS = Set.of(
            "temporal_activity_execution_latency",
            "temporal_activity_execution_failed",
            "temporal_activity_schedule_to_start_latency",
            "temporal_local_activity_execution_latency",
            "temporal_workflow_task_execution_latency",
            "temporal_workflow_task_execution_failed",
            "temporal_workflow_completed",
            "temporal_workflow_canceled",
            "temporal_workflow_failed",
            "temporal_workflow_continue_as_new",
            "temporal_request_failure",
            "temporal_worker_task_slots_available",
            "temporal_sticky_cache_size");

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
            ChosenMetros chosen,
            SandboxSettings sandbox,
            @Value("${skerry.installation}") String installation,
            JsonMapper wire,
            ObservationRegistry observations,
            MeterRegistry meters) {
        List<Metro> metros = chosen.all().stream()
                .map(metro -> new Metro(
                        metro.code(),
                        metro.weight(),
                        switch (sandbox.mode()) {
                            case UKC -> new UnikraftProvider(unikraft(metro), installation, wire, observations);
                            case DOCKER -> new DockerProvider(docker(metro), installation, observations);
                        },
                        Clock.systemUTC()))
                .toList();
        metros.forEach(metro -> metro.measure(meters));
        return metros;
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
                metro.autokill(),
                metro.templateAge());
    }

    @Bean
    TemporalSettings temporalSettings(
            @Value("${skerry.temporal.target}") String target,
            @Value("${skerry.temporal.namespace:default}") String namespace) {
        return new TemporalSettings(target, namespace);
    }

    @Bean(destroyMethod = "shutdown")
    WorkflowServiceStubs stubs(TemporalSettings settings, MeterRegistry meters) {
        return settings.stubs(new RootScopeBuilder()
                .reporter(new MicrometerClientStatsReporter(meters))
                .reportEvery(com.uber.m3.util.Duration.ofSeconds(METRICS_EVERY_SECONDS)));
    }

    /** The SDK measures a hundred things per queue; these are the ones that tell an operator something. */
    @Bean
    MeterFilter fewerTemporalMetrics() {
        return MeterFilter.deny(
                meter -> meter.getName().startsWith("temporal_") && !KEPT_METRICS.contains(meter.getName()));
    }

    @Bean
    WorkflowClient workflowClient(TemporalSettings settings, WorkflowServiceStubs stubs) {
        return settings.client(stubs);
    }
}
