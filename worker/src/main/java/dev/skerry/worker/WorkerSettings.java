package dev.skerry.worker;

import dev.skerry.activities.docker.DockerSettings;
import dev.skerry.activities.unikraft.MetroDiscovery;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * What a worker needs to know, {@code skerry.worker.*}.
 *
 * @param controlPlane where the control plane's internal listener is
 * @param metros where sandboxes may be created; left out, they are discovered
 * @param discovery where to ask for metros when none is named
 * @param stickyTimeout how long a workflow task waits for the worker that knows the workflow; null leaves the SDK's choice. Zero
 *     for the in-process test server, which never gives such a task to anybody else.
 * @param reapEvery how often the reaper looks for orphans
 * @param watchEvery how often each metro is asked which sandboxes ended by themselves; zero for never. An engine tells by itself.
 * @param deployment which version of the workflows this worker runs
 */
@ConfigurationProperties("skerry.worker")
record WorkerSettings(
        ControlPlaneSettings controlPlane,
        @DefaultValue List<MetroSettings> metros,
        @Nullable DiscoverySettings discovery,
        @Nullable Duration stickyTimeout,
        @DefaultValue("PT5M") Duration reapEvery,
        @DefaultValue("PT15S") Duration watchEvery,
        @DefaultValue DeploymentSettings deployment) {
    WorkerSettings {
        if (metros.isEmpty() && discovery == null) {
            throw new IllegalArgumentException(
                    "No metro is configured. Set skerry.worker.metros[0].code, .url, .token and .image; or, to use every metro"
                            + " of an account, skerry.worker.discovery.token and .image.");
        }
        if (controlPlane == null) {
            throw new IllegalArgumentException(
                    "Set skerry.worker.control-plane.url and .token to the control plane's internal listener and its token.");
        }
    }

    /**
     * The control plane's internal listener.
     *
     * @param token the secret that both sides share
     */
    record ControlPlaneSettings(String url, String token) {
        @Override
        public String toString() {
            return "ControlPlaneSettings[" + url + "]";
        }
    }

    /**
     * An account whose metros are all used, with the same settings each.
     *
     * @param url of the platform's control plane
     * @param token the account's secret
     */
    record DiscoverySettings(
            @DefaultValue(MetroDiscovery.PLATFORM) String url,
            String token,
            String image,
            @DefaultValue("512") int memoryMb,
            @DefaultValue("1") int vcpus,
            @DefaultValue("PT1H") Duration autokill,
            @DefaultValue("PT0S") Duration templateAge,
            @DefaultValue("50") double callsPerSecond) {
        DiscoverySettings {
            if (token == null || token.isBlank() || image == null || image.isBlank()) {
                throw new IllegalArgumentException(
                        "Set both skerry.worker.discovery.token and .image, or name the metros one by one.");
            }
        }

        MetroSettings metro(MetroDiscovery.Found found) {
            return new MetroSettings(
                    found.code(),
                    found.url(),
                    token,
                    image,
                    memoryMb,
                    vcpus,
                    1,
                    autokill,
                    templateAge,
                    callsPerSecond,
                    new EngineSettings(null, null, null, DockerSettings.SUBNETS));
        }

        @Override
        public String toString() {
            return "DiscoverySettings[" + url + "]";
        }
    }

    /**
     * Worker versioning, off while the name is empty.
     *
     * @param name the deployment, such as {@code skerry}
     * @param buildId this build, such as a git commit
     * @param behavior what becomes of a session when another version is made current
     */
    record DeploymentSettings(
            @DefaultValue("") String name,
            @DefaultValue("") String buildId,
            @DefaultValue("auto-upgrade") Behavior behavior) {
        enum Behavior {
            /** Moves at its next workflow task. */
            AUTO_UPGRADE,
            /** Stays with the version that started it. */
            PINNED
        }

        DeploymentSettings {
            if (name.isEmpty() != buildId.isEmpty()) {
                throw new IllegalArgumentException(
                        "Set both skerry.worker.deployment.name and .build-id, or neither of them.");
            }
        }
    }

    /**
     * One metro, or one Docker Engine.
     *
     * @param url of the metro's API; of the engine, empty takes {@code DOCKER_HOST}
     * @param token the account's secret; an engine has none
     * @param memoryMb memory of each VM in MiB
     * @param weight share of new sessions relative to the other metros
     * @param autokill the metro deletes a VM by itself after it was stopped this long
     * @param templateAge how old a template for warm starts may become; zero for no warm starts
     * @param callsPerSecond most provider calls started per second over all workers
     * @param docker more about an engine
     */
    record MetroSettings(
            String code,
            @DefaultValue("") String url,
            @DefaultValue("") String token,
            String image,
            @DefaultValue("512") int memoryMb,
            @DefaultValue("1") int vcpus,
            @DefaultValue("1") int weight,
            @DefaultValue("PT1H") Duration autokill,
            @DefaultValue("PT0S") Duration templateAge,
            @DefaultValue("50") double callsPerSecond,
            @DefaultValue EngineSettings docker) {
        @Override
        public String toString() {
            return "MetroSettings[" + code + ", " + url + "]";
        }
    }

    /**
     * What only a Docker Engine has.
     *
     * @param certificates directory with {@code ca.pem}, {@code cert.pem} and {@code key.pem} for an engine over TLS
     * @param runtime such as {@code runsc} or {@code kata}; by default the engine's own
     * @param uplink network from which the control plane is reached; by default one that reaches the engine's own machine only
     * @param subnets private address range from which each sandbox gets a network of its own
     */
    record EngineSettings(
            @Nullable String certificates,
            @Nullable String runtime,
            @Nullable String uplink,
            @DefaultValue(DockerSettings.SUBNETS) String subnets) {}
}
