package dev.skerry.api;

import dev.skerry.api.key.ApiKey;
import dev.skerry.store.ApiKeys;
import dev.skerry.store.Models;
import dev.skerry.testing.TestingPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.UUID;
import org.springframework.context.ConfigurableApplicationContext;

/** The api role as it runs, on ports of its own. */
public final class TestingApi implements AutoCloseable {
    public static final Path FILES = temporaryDirectory();
    private static final String KEY = ApiKey.generate(new SecureRandom()).reveal();

    private final ConfigurableApplicationContext context;

    private TestingApi(String database, int temporalPort) {
        context = ApiApplication.application()
                .run(
                        "--server.port=0",
                        "--management.server.port=0",
                        "--skerry.installation=test",
                        "--skerry.db.url=" + database,
                        "--skerry.temporal.target=127.0.0.1:" + temporalPort,
                        "--skerry.files.directory=" + FILES,
                        "--skerry.api.temporal-timeout=PT4S",
                        "--skerry.api.temporal-ui=http://127.0.0.1:8233/",
                        "--skerry.api.heartbeat=PT0.2S",
                        "--skerry.api.bootstrap-key=" + KEY,
                        "--spring.datasource.hikari.connection-timeout=1000",
                        "--logging.level.root=WARN");
    }

    /** The one that most tests share, with a model to choose and a Temporal that works. */
    public static TestingApi shared() {
        return Shared.API;
    }

    static TestingApi start(String database, int temporalPort) {
        return new TestingApi(database, temporalPort);
    }

    void publishModels() {
        bean(Models.class)
                .publish(List.of(
                        new Models.ModelRow("rehearsal", "rehearsal", true, true, 0, 0, 200_000),
                        new Models.ModelRow(
                                "big", "anthropic", false, false, 3_000_000_000L, 15_500_000_000L, 1_000_000)));
    }

    public <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    <T> T handlers(Class<T> type, String name) {
        return context.getBean(name, type);
    }

    int port() {
        return Integer.parseInt(context.getEnvironment().getProperty("local.server.port", "0"));
    }

    int managementPort() {
        return Integer.parseInt(context.getEnvironment().getProperty("local.management.port", "0"));
    }

    /** The tenant of the bootstrap key. */
    public TestingClient client() {
        return new TestingClient(port(), KEY);
    }

    /** Somebody else, new each time. */
    public TestingClient otherTenant() {
        ApiKey key = ApiKey.generate(new SecureRandom());
        String tenant = "ten_" + UUID.randomUUID();
        bean(ApiKeys.class).ensureTenant(tenant, "Other");
        bean(ApiKeys.class).ensureKey("key_" + UUID.randomUUID(), tenant, "test", key.sha256());
        return new TestingClient(port(), key.reveal());
    }

    @Override
    public void close() {
        context.close();
    }

    private static Path temporaryDirectory() {
        try {
            return Files.createTempDirectory("skerry-files");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static final class Shared {
        static final TestingApi API = start();

        private static TestingApi start() {
            int port = TestingTemporal.freePort();
            TestingTemporal temporal = new TestingTemporal(port);
            TestingApi api = new TestingApi(TestingPostgres.newDatabase(), port);
            api.publishModels();
            Runtime.getRuntime().addShutdownHook(new Thread(temporal::close));
            return api;
        }
    }
}
