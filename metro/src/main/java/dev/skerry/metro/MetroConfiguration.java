package dev.skerry.metro;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What a metro is made of.
 *
 * @param address to bind to
 * @param port 0 for any free one
 * @param token what callers must present
 * @param stateDirectory where instances, their workspaces and their logs are kept; survives restarts
 * @param images what can be booted, by name
 * @param maxInstances quota
 * @param stopSandboxesOnClose whether closing the metro ends its sandboxes; otherwise the next start finds them again
 */
public record MetroConfiguration(
        String address,
        int port,
        String token,
        Path stateDirectory,
        Map<String, Image> images,
        Isolation isolation,
        int maxInstances,
        boolean stopSandboxesOnClose) {

    /**
     * A registered image: for the process driver, a command line.
     *
     * @param command absolute path of a program and its arguments
     * @param readOnlyPaths what the command needs besides the system's own directories
     */
    public record Image(List<String> command, List<Path> readOnlyPaths) {}

    /** How a process is kept from its host. */
    public enum Isolation {
        /** Bubblewrap where it is installed and permitted, plain otherwise. */
        AUTO,
        BUBBLEWRAP,
        /** None but a session and an environment of its own. */
        PLAIN
    }

    /** A metro on the loopback address, on any port, that takes its sandboxes with it. */
    public static MetroConfiguration local(String token, Path stateDirectory, Map<String, Image> images) {
        return new MetroConfiguration("127.0.0.1", 0, token, stateDirectory, images, Isolation.AUTO, 64, true);
    }

    public MetroConfiguration withPort(int newPort) {
        return new MetroConfiguration(
                address, newPort, token, stateDirectory, images, isolation, maxInstances, stopSandboxesOnClose);
    }

    public MetroConfiguration withIsolation(Isolation newIsolation) {
        return new MetroConfiguration(
                address, port, token, stateDirectory, images, newIsolation, maxInstances, stopSandboxesOnClose);
    }

    public MetroConfiguration withMaxInstances(int newMaxInstances) {
        return new MetroConfiguration(
                address, port, token, stateDirectory, images, isolation, newMaxInstances, stopSandboxesOnClose);
    }

    public MetroConfiguration withStopSandboxesOnClose(boolean stop) {
        return new MetroConfiguration(address, port, token, stateDirectory, images, isolation, maxInstances, stop);
    }

    @Override
    public String toString() {
        return "MetroConfiguration[" + address + ":" + port + ", " + stateDirectory + "]";
    }
}
