package dev.skerry.session;

import io.temporal.common.WorkflowExecutionHistory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The golden histories of one workflow, {@code <scenario>.v<N>.json}; none is ever changed. */
public final class Recordings {
    private final Path directory;

    public Recordings(String workflow) {
        directory = Path.of("src/test/resources/histories", workflow);
    }

    /** Whether this run is to keep what it played. */
    public static boolean wanted() {
        return Boolean.getBoolean("skerry.record");
    }

    public List<Path> all() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".json"))
                    .sorted()
                    .toList();
        }
    }

    /** Names of the scenarios that were recorded, once for each recording. */
    public List<String> scenarios() throws IOException {
        return all().stream()
                .map(file -> file.getFileName().toString().replaceAll("\\.v\\d+\\.json$", ""))
                .toList();
    }

    /** Under the next free number, worker identities scrubbed. */
    public void add(String scenario, WorkflowExecutionHistory history) throws IOException {
        Files.createDirectories(directory);
        int version = 1;
        while (Files.exists(directory.resolve(scenario + ".v" + version + ".json"))) {
            version++;
        }
        String scrubbed = history.toJson(true).replaceAll("\"identity\": \"[^\"]*\"", "\"identity\": \"golden\"");
        Files.writeString(directory.resolve(scenario + ".v" + version + ".json"), scrubbed);
    }
}
