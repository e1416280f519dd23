package dev.skerry.cli.stack;

import dev.skerry.metro.MetroServer;
import java.util.Map;

/**
 * Sandboxes of the metro in this process.
 *
 * @param templateAge as the worker's setting of that name, such as {@code PT12H}; zero for no warm starts
 */
record MetroHost(MetroServer metro, String token, String templateAge) implements SandboxHost {
    @Override
    public String address() {
        return "127.0.0.1";
    }

    @Override
    public Map<String, Object> workerSettings() {
        return Map.of(
                "skerry.worker.metros[0].code",
                "local",
                "skerry.worker.metros[0].url",
                "http://127.0.0.1:" + metro.port(),
                "skerry.worker.metros[0].token",
                token,
                "skerry.worker.metros[0].image",
                LocalMetro.IMAGE,
                "skerry.worker.metros[0].template-age",
                templateAge);
    }

    @Override
    public String isolation() {
        return metro.isolation();
    }

    @Override
    public void close() {
        metro.close();
    }
}
