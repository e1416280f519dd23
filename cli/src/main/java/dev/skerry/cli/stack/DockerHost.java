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
import org.jspecify.annotations.Nullable;
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

    /** {@code chosen} is an image that the engine has; null stands for the one that this program makes. */
    static DockerHost start(Home home, String installation, @Nullable String chosen, Consumer<String> tell) {
        String image = chosen == null ? made(home, tell) : chosen;
        DockerProvider provider = new DockerProvider(
                new DockerSettings("local", "", null, image, MEMORY_MB, VCPUS, null, null, DockerSettings.SUBNETS),
                installation,
                ObservationRegistry.NOOP);
        try {
            provider.demandImage();
            return new DockerHost(provider, image, provider.machineAddress());
        } catch (ProviderException.Rejected e) {
            provider.close();
            throw new Failure(
                    ExitCode.NO_STACK,
                    String.valueOf(e.getMessage()),
                    "Name an image that `docker image ls` shows, or leave --image out.",
                    e);
        } catch (ProviderException e) {
            provider.close();
            throw new Failure(
                    ExitCode.NO_STACK,
                    String.valueOf(e.getMessage()),
                    "Start the Docker Engine of this machine, then run the same command again.",
                    e);
        }
    }

    private static String made(Home home, Consumer<String> tell) {
        return ImageBuilder.of(home)
                .run(List.of("docker", "--tag", LocalMetro.IMAGE), line -> tell.accept("image: " + line))
                .path("docker_id")
                .asString("");
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
