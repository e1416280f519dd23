package dev.skerry.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.unikraft.MetroDiscovery.Found;
import dev.skerry.worker.WorkerSettings.ControlPlaneSettings;
import dev.skerry.worker.WorkerSettings.DeploymentSettings;
import dev.skerry.worker.WorkerSettings.DeploymentSettings.Behavior;
import dev.skerry.worker.WorkerSettings.DiscoverySettings;
import io.temporal.common.VersioningBehavior;
import io.temporal.common.WorkerDeploymentVersion;
import io.temporal.worker.WorkerDeploymentOptions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PollingTest {
    private static final DiscoverySettings DISCOVERY = new DiscoverySettings(
            "http://127.0.0.1:1", "token", "image", 512, 1, Duration.ofHours(1), Duration.ZERO, 20);

    @ParameterizedTest
    @CsvSource({"AUTO_UPGRADE, AUTO_UPGRADE", "PINNED, PINNED"})
    void aNamedDeploymentIsVersioned(Behavior configured, VersioningBehavior told) {
        WorkerDeploymentOptions options = Polling.sessionOptions(
                        settings(new DeploymentSettings("skerry", "4f2a9c1", configured)))
                .getDeploymentOptions();
        assertThat(options.isUsingVersioning()).isTrue();
        assertThat(options.getVersion()).isEqualTo(new WorkerDeploymentVersion("skerry", "4f2a9c1"));
        assertThat(options.getDefaultVersioningBehavior()).isEqualTo(told);
    }

    @Test
    void aWorkerIsNotVersionedUnlessAsked() {
        assertThat(Polling.sessionOptions(settings(new DeploymentSettings("", "", Behavior.PINNED)))
                        .getDeploymentOptions())
                .isNull();
    }

    @Test
    void theQueueOfAMetroHasItsRate() {
        assertThat(Polling.metroOptions("fra", List.of(DISCOVERY.metro(found("fra")), DISCOVERY.metro(found("was"))))
                        .getMaxTaskQueueActivitiesPerSecond())
                .isEqualTo(20);
    }

    private static Found found(String code) {
        return new Found(code, "http://127.0.0.1:1");
    }

    private static WorkerSettings settings(DeploymentSettings deployment) {
        return new WorkerSettings(
                new ControlPlaneSettings("http://127.0.0.1:1", "token"),
                List.of(),
                DISCOVERY,
                null,
                Duration.ofMinutes(5),
                Duration.ZERO,
                deployment);
    }
}
