package dev.skerry.metro;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a metro is made of.
 *
 * @param address to bind to
 * @param port 0 for any free one
 * @param token what callers must present
 * @param stateDirectory where instances, their workspaces and their logs are kept; survives restarts
 * @param images what can be booted, by name
 * @param driver what sandboxes are
 * @param maxInstances quota
 * @param stopSandboxesOnClose whether closing the metro ends its sandboxes; otherwise the next start finds them again
 */
public record MetroConfiguration(
        String address,
        int port,
        String token,
        Path stateDirectory,
        Map<String, Image> images,
        DriverSettings driver,
        int maxInstances,
        boolean stopSandboxesOnClose) {
    private static final int INSTANCES = 64;

    /** A metro of processes on the loopback address, on any port, that takes its sandboxes with it. */
    public static MetroConfiguration local(String token, Path stateDirectory, Map<String, Image> images) {
        return new MetroConfiguration(
                "127.0.0.1",
                0,
                token,
                stateDirectory,
                images,
                new DriverSettings.Processes(Isolation.AUTO),
                INSTANCES,
                true);
    }

    public MetroConfiguration withPort(int newPort) {
        return new MetroConfiguration(
                address, newPort, token, stateDirectory, images, driver, maxInstances, stopSandboxesOnClose);
    }

    public MetroConfiguration withDriver(DriverSettings newDriver) {
        return new MetroConfiguration(
                address, port, token, stateDirectory, images, newDriver, maxInstances, stopSandboxesOnClose);
    }

    public MetroConfiguration withMaxInstances(int newMaxInstances) {
        return new MetroConfiguration(
                address, port, token, stateDirectory, images, driver, newMaxInstances, stopSandboxesOnClose);
    }

    public MetroConfiguration withStopSandboxesOnClose(boolean stop) {
        return new MetroConfiguration(address, port, token, stateDirectory, images, driver, maxInstances, stop);
    }

    @Override
    public String toString() {
        return "MetroConfiguration[" + address + ":" + port + ", " + stateDirectory + "]";
    }
}
