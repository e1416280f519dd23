package dev.skerry.activities.docker;

import com.github.dockerjava.api.exception.ConflictException;
import com.github.dockerjava.api.model.ContainerNetwork;
import com.github.dockerjava.api.model.Network;
import dev.skerry.activities.provider.ProviderException;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A network of its own for each sandbox, on which there is nothing but the door.
 *
 * <p>The bridge below it gets no address, so that the engine's machine is not on the network either.
 */
final class Networks {
    private static final String WITHOUT_ADDRESS = "com.docker.network.bridge.inhibit_ipv4";
    private static final int TRIES = 64;
    private static final Duration BEING_MADE = Duration.ofSeconds(5);

    private final Engine engine;
    private final String range;

    Networks(Engine engine, String range) {
        this.engine = engine;
        this.range = range;
    }

    /**
     * The network of that name, made if it is missing; the engine's machine has an address on it only if asked to.
     *
     * <p>The engine tolerates two networks of one name but never of one range. So the range is a function of the name, and whoever finds
     * it taken waits to see by whom: by another worker that makes the same network, or by a stranger, who is stepped around.
     */
    Subnet ensure(String name, Map<String, String> labels, boolean reachesTheMachine) throws ProviderException {
        int start = reachesTheMachine ? 0 : name.hashCode();
        for (int attempt = 0; attempt < TRIES; attempt++) {
            Optional<Network> found = find(name);
            if (found.isPresent()) {
                return subnet(found.get());
            }
            Subnet subnet = Subnet.of(range, start + attempt);
            if (reachesTheMachine && isOfThisMachine(subnet)) {
                continue;
            }
            if (create(name, labels, subnet, reachesTheMachine)
                    || holder(subnet).filter(name::equals).isPresent()) {
                return subnet;
            }
        }
        throw new ProviderException.Full("No free network for " + name + " was found in " + range
                + ". Remove unused networks, or configure other subnets.");
    }

    /**
     * Whether this machine is on such a network already: of another engine, or left behind by one that is gone, of which this one knows
     * nothing. Two bridges with the same addresses would leave the door without a way out.
     */
    private static boolean isOfThisMachine(Subnet subnet) throws ProviderException {
        try {
            return NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .anyMatch(subnet::holds);
        } catch (SocketException e) {
            throw new ProviderException.Unknown("This machine's networks cannot be listed.", e);
        }
    }

    /** The name of the network that has these addresses; one that is being made cannot be seen for a moment. */
    private Optional<String> holder(Subnet subnet) throws ProviderException {
        Instant deadline = Instant.now().plus(BEING_MADE);
        while (Instant.now().isBefore(deadline)) {
            for (Network network : list(all -> all)) {
                if (network.getIpam().getConfig() != null
                        && network.getIpam().getConfig().stream().anyMatch(each -> subnet.isWithin(each.getSubnet()))) {
                    return Optional.of(network.getName());
                }
            }
            DockerProvider.pause();
        }
        return Optional.empty();
    }

    /** False when the addresses or the name are taken, by another network or another worker. */
    private boolean create(String name, Map<String, String> labels, Subnet subnet, boolean reachesTheMachine)
            throws ProviderException {
        try {
            engine.call(
                    "create a network",
                    docker -> docker.createNetworkCmd()
                            .withName(name)
                            .withCheckDuplicate(true)
                            .withDriver("bridge")
                            .withInternal(true)
                            .withLabels(labels)
                            .withOptions(Map.of(WITHOUT_ADDRESS, Boolean.toString(!reachesTheMachine)))
                            .withIpam(new Network.Ipam()
                                    .withConfig(new Network.Ipam.Config()
                                            .withSubnet(subnet.cidr())
                                            .withGateway(subnet.bridge())))
                            .exec());
            return true;
        } catch (ConflictException e) {
            return false;
        } catch (ProviderException e) {
            if (overlaps(e)) {
                return false;
            }
            throw e;
        }
    }

    private static boolean overlaps(ProviderException failure) {
        return String.valueOf(failure.getMessage()).contains("overlaps");
    }

    /** Lets a container onto the network under that address, unless it is there. */
    void connect(String container, String network, String address) throws ProviderException {
        try {
            engine.call(
                    "connect a network",
                    docker -> docker.connectToNetworkCmd()
                            .withContainerId(container)
                            .withNetworkId(network)
                            .withContainerNetwork(new ContainerNetwork()
                                    .withIpamConfig(new ContainerNetwork.Ipam().withIpv4Address(address)))
                            .exec());
        } catch (ConflictException e) {
            return;
        } catch (ProviderException.Rejected e) {
            if (!String.valueOf(e.getMessage()).contains("already exists")) {
                throw e;
            }
        }
    }

    /** Returns when there is no network of that name; whoever is still on it is taken off. */
    void remove(String name) throws ProviderException {
        Optional<Network> found = find(name);
        if (found.isEmpty()) {
            return;
        }
        Network network = found.get();
        for (String container : engine.find(
                        "read a network",
                        docker -> docker.inspectNetworkCmd()
                                .withNetworkId(network.getId())
                                .exec())
                .map(seen -> seen.getContainers().keySet())
                .orElse(java.util.Set.of())) {
            disconnect(container, network.getId());
        }
        engine.ensure(
                "remove a network",
                docker -> docker.removeNetworkCmd(network.getId()).exec());
    }

    private void disconnect(String container, String network) throws ProviderException {
        try {
            engine.ensure(
                    "leave a network",
                    docker -> docker.disconnectFromNetworkCmd()
                            .withContainerId(container)
                            .withNetworkId(network)
                            .withForce(true)
                            .exec());
        } catch (ProviderException.Rejected | ConflictException e) {
            return;
        }
    }

    Optional<Network> find(String name) throws ProviderException {
        return list(docker -> docker.withNameFilter(name)).stream()
                .filter(network -> network.getName().equals(name))
                .findFirst();
    }

    List<Network> owned(String installation) throws ProviderException {
        return list(docker -> docker.withFilter("label", List.of(Labels.installation(installation))));
    }

    private interface Choice {
        com.github.dockerjava.api.command.ListNetworksCmd of(com.github.dockerjava.api.command.ListNetworksCmd all);
    }

    private List<Network> list(Choice choice) throws ProviderException {
        return engine.call(
                "list networks", docker -> choice.of(docker.listNetworksCmd()).exec());
    }

    static Subnet subnet(Network network) {
        return Subnet.parse(network.getIpam().getConfig().getFirst().getSubnet());
    }
}
