package dev.skerry.activities.docker;

import org.jspecify.annotations.Nullable;

/**
 * One Docker Engine, and what its containers are made of.
 *
 * @param url of the engine, such as {@code unix:///var/run/docker.sock} or {@code tcp://host:2376}; empty takes {@code DOCKER_HOST}
 * @param certificates directory with {@code ca.pem}, {@code cert.pem} and {@code key.pem} for an engine over TLS
 * @param image name or id of the sandbox image on that engine
 * @param memoryMb most memory of a container in MiB, its writable folders included
 * @param runtime such as {@code runsc} or {@code kata}; null is the engine's own
 * @param uplink network from which the control plane is reached; null makes one that reaches the engine's own machine only
 * @param subnets private address range from which each sandbox gets a network of its own
 */
public record DockerSettings(
        String metro,
        String url,
        @Nullable String certificates,
        String image,
        int memoryMb,
        int vcpus,
        @Nullable String runtime,
        @Nullable String uplink,
        String subnets) {
    public static final String SUBNETS = "10.211.0.0/16";
}
