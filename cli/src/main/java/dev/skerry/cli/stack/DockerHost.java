package dev.skerry.cli.stack;

import dev.skerry.activities.docker.DockerProvider;
import dev.skerry.activities.docker.DockerSettings;
import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import io.micrometer.observation.ObservationRegistry;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sandboxes in the Docker Engine of this machine; the image is made and handed to it on first use. */
final class DockerHost implements SandboxHost {
    private static final Logger log = LoggerFactory.getLogger(DockerHost.class);
    private static final int MEMORY_MB = 512;
    private static final int VCPUS = 1;

    private final DockerProvider provider;
    private final String image;
    private final String address;

    private DockerHost(DockerProvider provider, String image, String address) {
        this.provider = provider;
        this.image = image;
        this.address = address;
    }

    static DockerHost start(Home home, String installation, Consumer<String> tell) {
        String image = ImageBuilder.of(home)
                .run(List.of("docker", "--tag", LocalMetro.IMAGE), line -> tell.accept("image: " + line))
                .path("docker_id")
                .asString("");
        DockerProvider provider = new DockerProvider(
                new DockerSettings("local", "", null, image, MEMORY_MB, VCPUS, null, null, DockerSettings.SUBNETS),
                installation,
                ObservationRegistry.NOOP);
        try {
            return new DockerHost(provider, image, provider.machineAddress());
        } catch (ProviderException e) {
            provider.close();
            throw new Failure(
                    ExitCode.NO_STACK,
                    String.valueOf(e.getMessage()),
                    "Start the Docker Engine of this machine, then run the same command again.",
                    e);
        }
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public Map<String, Object> workerSettings() {
        return Map.of(
                "skerry.sandbox.mode", "docker",
                "skerry.worker.metros[0].code", "local",
                "skerry.worker.metros[0].image", image,
                "skerry.worker.metros[0].memory-mb", MEMORY_MB,
                "skerry.worker.metros[0].vcpus", VCPUS);
    }

    @Override
    public String isolation() {
        return "Docker containers, a network of their own each";
    }

    @Override
    public void close() {
        try {
            for (Owned owned : provider.listOwned(null).owned()) {
                provider.destroy(owned.name(), () -> {});
            }
            provider.removeShared();
        } catch (ProviderException e) {
            log.warn("Not everything could be removed from the Docker Engine: {}", e.getMessage());
        } finally {
            provider.close();
        }
    }
}
