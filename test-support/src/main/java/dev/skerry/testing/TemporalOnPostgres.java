package dev.skerry.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How a Temporal server is set up on a Postgres of its own. */
final class TemporalOnPostgres {
    private static final String PLUGIN = "postgres12_pgx";
    private static final String USER = "postgres";

    /** Schemas that the schema tool brings along, by the database that they belong into. */
    private static final Map<String, String> SCHEMAS =
            Map.of("temporal", "postgresql/v12/temporal", "temporal_visibility", "postgresql/v12/visibility");

    private static final List<String> SERVICES = List.of("FRONTEND", "HISTORY", "MATCHING", "WORKER");

    private final Path programs;
    private final MortalPostgres postgres;
    private final Path directory;

    TemporalOnPostgres(Path programs, MortalPostgres postgres, Path directory) {
        this.programs = programs;
        this.postgres = postgres;
        this.directory = directory;
    }

    void createSchemas() throws IOException, InterruptedException {
        for (Map.Entry<String, String> schema : SCHEMAS.entrySet()) {
            tool(schema.getKey(), "create");
            tool(schema.getKey(), "setup-schema", "-v", "0.0");
            tool(schema.getKey(), "update-schema", "--schema-name", schema.getValue());
        }
    }

    private void tool(String database, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                programs.resolve("sql").toString(),
                "--plugin",
                PLUGIN,
                "--endpoint",
                "127.0.0.1",
                "--port",
                Integer.toString(postgres.port()),
                "--user",
                USER,
                "--database",
                database));
        command.addAll(List.of(arguments));
        Process tool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (tool.waitFor() != 0) {
            throw new IOException("Temporal's schema tool failed at " + List.of(arguments) + ": " + said);
        }
    }

    List<String> command() {
        return List.of(programs.resolve("server").toString(), "--allow-no-auth", "start");
    }

    Map<String, String> environment(int port, Map<String, String> dynamicConfig) throws IOException {
        StringBuilder settings = new StringBuilder();
        dynamicConfig.forEach((key, value) ->
                settings.append(key).append(":\n  - value: ").append(value).append('\n'));
        Path file = Files.writeString(directory.resolve("temporal-dynamic-config.yaml"), settings);
        Map<String, String> environment = new HashMap<>(Map.of(
                "DB",
                PLUGIN,
                "POSTGRES_SEEDS",
                "127.0.0.1",
                "DB_PORT",
                Integer.toString(postgres.port()),
                "POSTGRES_USER",
                USER,
                "BIND_ON_IP",
                "127.0.0.1",
                "DYNAMIC_CONFIG_FILE_PATH",
                file.toString(),
                "LOG_LEVEL",
                "error"));
        for (String service : SERVICES) {
            environment.put(service + "_GRPC_PORT", Integer.toString(FreePort.find()));
            environment.put(service + "_MEMBERSHIP_PORT", Integer.toString(FreePort.find()));
        }
        environment.put("FRONTEND_GRPC_PORT", Integer.toString(port));
        environment.put("FRONTEND_HTTP_PORT", Integer.toString(FreePort.find()));
        return environment;
    }
}
