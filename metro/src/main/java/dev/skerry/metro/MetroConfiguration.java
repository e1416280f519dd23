package dev.skerry.metro;

import dev.skerry.metro.driver.Image;
import dev.skerry.metro.process.ProcessDriver.Isolation;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a metro is made of.
 *
 * @param address to bind to
 * @param port 0 for any free one
 * @param token what callers must present
 * @param stateDirectory where instances, their workspaces and their logs are kept; survives restarts
 * @param images what can be booted, by name
 * @param driver what sandboxes are
 * @param limits quotas
 * @param faulty where faults are injected, null where none can be
 * @param stopSandboxesOnClose whether closing the metro ends its sandboxes; otherwise the next start finds them again
 */
public record MetroConfiguration(
        String address,
        int port,
        String token,
        Path stateDirectory,
        Map<String, Image> images,
        DriverSettings driver,
        Limits limits,
        @Nullable FaultySettings faulty,
        boolean stopSandboxesOnClose) {

    /** A metro of processes on the loopback address, on any port, that takes its sandboxes with it. */
    public static MetroConfiguration local(String token, Path stateDirectory, Map<String, Image> images) {
        return new MetroConfiguration(
                "127.0.0.1",
                0,
                token,
                stateDirectory,
                images,
                new DriverSettings.Processes(Isolation.AUTO),
                Limits.standard(),
                null,
                true);
    }

    public MetroConfiguration withPort(int newPort) {
        return new MetroConfiguration(
                address, newPort, token, stateDirectory, images, driver, limits, faulty, stopSandboxesOnClose);
    }

    public MetroConfiguration withDriver(DriverSettings newDriver) {
        return new MetroConfiguration(
                address, port, token, stateDirectory, images, newDriver, limits, faulty, stopSandboxesOnClose);
    }

    public MetroConfiguration withLimits(Limits newLimits) {
        return new MetroConfiguration(
                address, port, token, stateDirectory, images, driver, newLimits, faulty, stopSandboxesOnClose);
    }

    public MetroConfiguration withFaulty(FaultySettings newFaulty) {
        return new MetroConfiguration(
                address, port, token, stateDirectory, images, driver, limits, newFaulty, stopSandboxesOnClose);
    }

    public MetroConfiguration withStopSandboxesOnClose(boolean stop) {
        return new MetroConfiguration(address, port, token, stateDirectory, images, driver, limits, faulty, stop);
    }

    @Override
    public String toString() {
        return "MetroConfiguration[" + address + ":" + port + ", " + stateDirectory + "]";
    }
}
