package dev.skerry.activities.docker;

import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.command.InspectContainerResponse.ContainerState;
import com.github.dockerjava.api.exception.ConflictException;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.exception.NotModifiedException;
import com.github.dockerjava.api.model.Container;
import com.github.dockerjava.api.model.Network;
import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.session.Provisioned;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxLost;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import io.micrometer.observation.ObservationRegistry;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Sandboxes as containers of one Docker Engine: suspended is paused, and all that they can reach is a door to the control plane. */
public final class DockerProvider implements SandboxProvider, AutoCloseable {
    private static final String URL = "CONTROL_PLANE_URL";
    private static final String NO_NAME_SERVER = "192.0.2.1";
    private static final String WORKSPACE = "/workspace";
    private static final Duration GONE = Duration.ofSeconds(30);
    private static final Duration STEP = Duration.ofMillis(50);

    private final DockerSettings settings;
    private final String installation;
    private final Engine engine;
    private final Networks networks;
    private final Door door;
    private final Set<SandboxName> ending = ConcurrentHashMap.newKeySet();

    public DockerProvider(DockerSettings settings, String installation, ObservationRegistry observations) {
        this.settings = settings;
        this.installation = installation;
        this.engine = new Engine(settings, observations);
        this.networks = new Networks(engine, settings.subnets());
        this.door = new Door(engine, networks, settings, installation);
    }

    @Override
    public String name() {
        return "docker";
    }

    /** The address at which sandboxes reach this engine's own machine, for a control plane that runs there. */
    public String machineAddress() throws ProviderException {
        return door.machine();
    }

    /** Removes what all sandboxes of this installation share; the next sandbox makes it again. */
    public void removeShared() throws ProviderException {
        door.remove();
        if (settings.uplink() == null) {
            networks.remove(door.uplink());
        }
    }

    /** Tells of every sandbox that ends and was not ended by this provider, until the answer is closed. */
    public AutoCloseable watch(BiConsumer<SessionId, SandboxLost> lost) {
        return new DockerWatch(settings, installation, ending::contains, lost);
    }

    @Override
    public Provisioned create(Spec spec, Runnable alive) throws ProviderException {
        Optional<InspectContainerResponse> found = find(spec.name());
        if (found.isEmpty()) {
            order(spec, alive);
        } else if (!Labels.tags(found.get().getConfig().getLabels()).containsAll(spec.tags())) {
            throw new ProviderException.Rejected("The name " + spec.name() + " is taken in metro " + settings.metro()
                    + " by something that is not this session's. Use another installation name.");
        }
        start(spec.name());
        InspectContainerResponse container = find(spec.name())
                .orElseThrow(() -> new ProviderException.Unknown(
                        "The container " + spec.name() + " vanished while it was starting.", null));
        ContainerState state = container.getState();
        if ("created".equals(state.getStatus())) {
            throw beingChanged(spec.name(), null);
        }
        if (!Boolean.TRUE.equals(state.getRunning())) {
            String told = Ending.of(state).sentence();
            destroy(spec.name(), alive);
            throw new ProviderException.Unknown("The container " + spec.name() + " " + told + " while starting.", null);
        }
        return Provisioned.cold("a Docker Engine has no templates");
    }

    private void order(Spec spec, Runnable alive) throws ProviderException {
        URI controlPlane = controlPlane(spec);
        demandImage();
        Map<String, String> labels = Labels.of(spec.tags());
        Subnet subnet = networks.ensure(spec.name().value(), labels, false);
        alive.run();
        door.open(spec.name().value(), subnet, controlPlane);
        alive.run();
        Map<String, String> environment = new LinkedHashMap<>(spec.environment());
        boolean named = "https".equals(controlPlane.getScheme());
        if (!named) {
            environment.put(URL, Door.url(controlPlane, subnet));
        }
        List<String> hosts = named ? List.of(controlPlane.getHost() + ":" + subnet.door()) : List.of();
        try {
            engine.call(
                    "create a container",
                    docker -> docker.createContainerCmd(settings.image())
                            .withName(spec.name().value())
                            .withHostName("sandbox")
                            .withWorkingDir(WORKSPACE)
                            .withEnv(environment.entrySet().stream()
                                    .map(each -> each.getKey() + "=" + each.getValue())
                                    .toList())
                            .withLabels(labels)
                            .withIpv4Address(subnet.sandbox())
                            .withHostConfig(Baseline.sandbox(settings)
                                    .withNetworkMode(spec.name().value())
                                    .withDns(NO_NAME_SERVER)
                                    .withExtraHosts(hosts.toArray(String[]::new)))
                            .exec());
        } catch (ConflictException e) {
            alive.run();
        } catch (NotFoundException e) {
            networks.remove(spec.name().value());
            throw noImage(settings);
        } catch (ProviderException.Rejected e) {
            String runtime = settings.runtime();
            if (runtime == null || !String.valueOf(e.getMessage()).contains(runtime)) {
                throw e;
            }
            networks.remove(spec.name().value());
            throw new ProviderException.Rejected("The Docker Engine of metro " + settings.metro() + " has no runtime "
                    + runtime + ". Install it there and enter it in the engine's daemon.json, or leave"
                    + " skerry.worker.metros[n].docker.runtime out.");
        }
    }

    /** Fails when the engine does not have the image, rather than at the first sandbox. */
    public void demandImage() throws ProviderException {
        if (engine.find(
                        "read an image",
                        docker -> docker.inspectImageCmd(settings.image()).exec())
                .isEmpty()) {
            throw noImage(settings);
        }
    }

    private URI controlPlane(Spec spec) throws ProviderException {
        URI url = URI.create(spec.environment().getOrDefault(URL, ""));
        if (url.getHost() == null || isLoopback(url.getHost())) {
            throw new ProviderException.Rejected(
                    "A container cannot reach the control plane at " + url
                            + ". Set skerry.control-plane.sandbox-url to an address that the Docker Engine's machine can reach.");
        }
        return url;
    }

    private static boolean isLoopback(String host) {
        return host.equals("localhost")
                || ((host.matches("[0-9.]+") || host.startsWith("["))
                        && InetAddress.ofLiteral(strip(host)).isLoopbackAddress());
    }

    private static String strip(String host) {
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    static ProviderException noImage(DockerSettings settings) {
        return new ProviderException.Rejected("The Docker Engine of metro " + settings.metro() + " has no image "
                + settings.image() + ". Make it with `skerry image build --docker`, or correct the configured name.");
    }

    /** Another worker may be making the same container at this moment: what is not there yet has not failed. */
    private void start(SandboxName name) throws ProviderException {
        try {
            engine.call(
                    "start a container",
                    docker -> docker.startContainerCmd(name.value()).exec());
        } catch (NotModifiedException e) {
            return;
        } catch (NotFoundException e) {
            throw beingChanged(name, e);
        } catch (ConflictException e) {
            if (inspect(name) != Sighting.FROZEN) {
                throw beingChanged(name, e);
            }
        }
    }

    private static ProviderException beingChanged(SandboxName name, @Nullable Throwable cause) {
        return new ProviderException.Unknown("The container " + name + " is being changed by another.", cause);
    }

    @Override
    public void suspend(SandboxName name, Runnable alive) throws ProviderException {
        if (present(name) == Sighting.FROZEN) {
            return;
        }
        try {
            engine.call(
                    "pause a container",
                    docker -> docker.pauseContainerCmd(name.value()).exec());
        } catch (NotFoundException | ConflictException e) {
            demand(name, Sighting.FROZEN);
        }
    }

    @Override
    public void resume(SandboxName name, Runnable alive) throws ProviderException {
        if (present(name) == Sighting.RUNNING) {
            return;
        }
        try {
            engine.call(
                    "resume a container",
                    docker -> docker.unpauseContainerCmd(name.value()).exec());
        } catch (NotFoundException | ConflictException e) {
            demand(name, Sighting.RUNNING);
        }
    }

    private void demand(SandboxName name, Sighting wanted) throws ProviderException {
        if (present(name) != wanted) {
            throw beingChanged(name, null);
        }
    }

    /** Running or frozen; anything else has lost its memory. */
    private Sighting present(SandboxName name) throws ProviderException {
        InspectContainerResponse container = find(name)
                .orElseThrow(() -> new ProviderException.Rejected(
                        "Metro " + settings.metro() + " has no container " + name + " any more."));
        Sighting sighting = sighting(container.getState());
        if (sighting == Sighting.STOPPED) {
            throw new ProviderException.Rejected("The container " + name + " "
                    + Ending.of(container.getState()).sentence() + ": its memory is gone.");
        }
        return sighting;
    }

    @Override
    public void destroy(SandboxName name, Runnable alive) throws ProviderException {
        ending.add(name);
        try {
            remove(name, alive);
        } finally {
            ending.remove(name);
        }
        networks.remove(name.value());
    }

    private void remove(SandboxName name, Runnable alive) throws ProviderException {
        Instant deadline = Instant.now().plus(GONE);
        while (find(name).isPresent()) {
            if (Instant.now().isAfter(deadline)) {
                throw new ProviderException.Unknown("Metro " + settings.metro() + " still has " + name + ".", null);
            }
            try {
                engine.ensure(
                        "remove a container",
                        docker -> docker.removeContainerCmd(name.value())
                                .withForce(true)
                                .withRemoveVolumes(true)
                                .exec());
            } catch (ConflictException e) {
                pause();
            }
            alive.run();
        }
    }

    static void pause() throws ProviderException {
        try {
            Thread.sleep(STEP);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProviderException.Unknown("Interrupted while waiting for the Docker Engine.", e);
        }
    }

    @Override
    public Sighting inspect(SandboxName name) throws ProviderException {
        return find(name).map(container -> sighting(container.getState())).orElse(Sighting.GONE);
    }

    private static Sighting sighting(ContainerState state) {
        if (Boolean.TRUE.equals(state.getPaused())) {
            return Sighting.FROZEN;
        }
        return Boolean.TRUE.equals(state.getRunning()) ? Sighting.RUNNING : Sighting.STOPPED;
    }

    /** Containers, and networks that lost theirs; the engine knows no pages. */
    @Override
    public Page listOwned(@Nullable String after) throws ProviderException {
        List<Owned> owned = new ArrayList<>();
        Set<String> named = new HashSet<>();
        for (Container container : engine.call(
                "list containers",
                docker -> docker.listContainersCmd()
                        .withShowAll(true)
                        .withLabelFilter(List.of(Labels.installation(installation)))
                        .exec())) {
            String name = container.getNames()[0].substring(1);
            named.add(name);
            owned.add(new Owned(
                    new SandboxName(name),
                    Labels.tags(container.getLabels()),
                    Instant.ofEpochSecond(container.getCreated())));
        }
        for (Network network : networks.owned(installation)) {
            if (named.add(network.getName())) {
                owned.add(new Owned(
                        new SandboxName(network.getName()),
                        Labels.tags(network.getLabels()),
                        network.getCreated().toInstant()));
            }
        }
        owned.sort(Comparator.comparing(each -> each.name().value()));
        return new Page(List.copyOf(owned), null);
    }

    private Optional<InspectContainerResponse> find(SandboxName name) throws ProviderException {
        return engine.find(
                "read a container",
                docker -> docker.inspectContainerCmd(name.value()).exec());
    }

    @Override
    public void close() {
        engine.close();
    }
}
