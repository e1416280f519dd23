package dev.skerry.activities.docker;

import com.github.dockerjava.api.command.InspectContainerResponse;
import com.github.dockerjava.api.exception.ConflictException;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.model.Network;
import com.github.dockerjava.api.model.RestartPolicy;
import dev.skerry.activities.provider.ProviderException;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The one container that a sandbox can reach: it passes connections to the control plane's sandbox port and nowhere else.
 *
 * <p>There is one for an installation. It is on every sandbox's network, forwards no packets, and knows one address.
 */
final class Door {
    private static final String PROGRAM = Baseline.resource("door.py");
    private static final String TARGET = "dev.skerry.target";
    private static final String NOBODY = "65534:65534";

    private final Engine engine;
    private final Networks networks;
    private final DockerSettings settings;
    private final String installation;

    Door(Engine engine, Networks networks, DockerSettings settings, String installation) {
        this.engine = engine;
        this.networks = networks;
        this.settings = settings;
        this.installation = installation;
    }

    String name() {
        return "skerry-" + installation + "-door";
    }

    String uplink() {
        return settings.uplink() == null ? "skerry-" + installation + "-uplink" : settings.uplink();
    }

    /** Makes the network that reaches this engine's own machine, and says under which address. */
    String machine() throws ProviderException {
        return networks.ensure(uplink(), Labels.shared(installation, "uplink"), true)
                .bridge();
    }

    /** What a sandbox on that network is told instead of the control plane's own address. */
    static String url(URI controlPlane, Subnet subnet) {
        return "http://" + subnet.door() + ":" + port(controlPlane);
    }

    static int port(URI controlPlane) {
        if (controlPlane.getPort() > 0) {
            return controlPlane.getPort();
        }
        return "https".equals(controlPlane.getScheme()) ? 443 : 80;
    }

    /** Opens the door from a sandbox's network to the control plane. */
    synchronized void open(String network, Subnet subnet, URI controlPlane) throws ProviderException {
        String target = controlPlane.getHost() + ":" + port(controlPlane);
        Optional<InspectContainerResponse> found = find();
        if (found.isEmpty() || !leadsTo(target, found.get())) {
            build(target, controlPlane);
        }
        networks.connect(name(), network, subnet.door());
    }

    private boolean leadsTo(String target, InspectContainerResponse door) {
        Map<String, String> labels = door.getConfig().getLabels();
        return Boolean.TRUE.equals(door.getState().getRunning())
                && labels != null
                && target.equals(labels.get(TARGET))
                && settings.image().equals(door.getConfig().getImage());
    }

    private void build(String target, URI controlPlane) throws ProviderException {
        remove();
        if (settings.uplink() == null) {
            machine();
        }
        Map<String, String> labels = new LinkedHashMap<>(Labels.shared(installation, "door"));
        labels.put(TARGET, target);
        String port = Integer.toString(port(controlPlane));
        try {
            engine.call(
                    "create the door",
                    docker -> docker.createContainerCmd(settings.image())
                            .withName(name())
                            .withUser(NOBODY)
                            .withEntrypoint("/usr/bin/python3", "-I", "-S", "-c", PROGRAM)
                            .withCmd(port, controlPlane.getHost(), port)
                            .withWorkingDir("/")
                            .withLabels(labels)
                            .withHostConfig(Baseline.door()
                                    .withNetworkMode(uplink())
                                    .withRestartPolicy(RestartPolicy.alwaysRestart()))
                            .exec());
        } catch (ConflictException e) {
            throw new ProviderException.Unknown("Another worker is making the door " + name() + ".", e);
        } catch (NotFoundException e) {
            throw DockerProvider.noImage(settings);
        }
        engine.ensure(
                "start the door", docker -> docker.startContainerCmd(name()).exec());
        for (Network network : networks.owned(installation)) {
            networks.connect(name(), network.getId(), Networks.subnet(network).door());
        }
    }

    void remove() throws ProviderException {
        engine.ensure(
                "remove the door",
                docker -> docker.removeContainerCmd(name()).withForce(true).exec());
    }

    private Optional<InspectContainerResponse> find() throws ProviderException {
        return engine.find(
                "read the door", docker -> docker.inspectContainerCmd(name()).exec());
    }
}
