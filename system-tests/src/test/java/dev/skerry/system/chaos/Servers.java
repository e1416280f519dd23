package dev.skerry.system.chaos;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.testing.MortalPostgres;
import dev.skerry.testing.TestingTemporal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The servers under an installation, which die like its roles.
 *
 * @param temporalsPostgres absent where Temporal keeps its state in a file
 */
record Servers(MortalPostgres postgres, Optional<MortalPostgres> temporalsPostgres, TestingTemporal temporal)
        implements AutoCloseable {
    static final String POSTGRES = "postgres";
    static final String TEMPORAL = "temporal";
    static final String TEMPORALS_POSTGRES = "temporal's postgres";

    /** After so many events a workflow is asked to continue as new, so that sessions do what only long ones do otherwise. */
    private static final Map<String, String> SHORT_RUNS = Map.of("limit.historyCount.suggestContinueAsNew", "40");

    /**
     * Starts them.
     *
     * @param programs the Temporal server that keeps its state in Postgres and its schema tool; without, it is the dev server
     */
    static Servers start(Path directory, Optional<Path> programs) throws IOException, InterruptedException {
        List<AutoCloseable> started = new ArrayList<>();
        try {
            MortalPostgres postgres = MortalPostgres.start(directory);
            started.add(postgres);
            if (programs.isEmpty()) {
                return new Servers(
                        postgres,
                        Optional.empty(),
                        TestingTemporal.start(directory, SearchAttributes.cliTypes(), SHORT_RUNS));
            }
            MortalPostgres temporals = MortalPostgres.start(directory.resolve("temporal"));
            started.add(temporals);
            return new Servers(
                    postgres,
                    Optional.of(temporals),
                    TestingTemporal.startOnPostgres(
                            directory, programs.get(), temporals, SearchAttributes.cliTypes(), SHORT_RUNS));
        } catch (IOException | InterruptedException | RuntimeException e) {
            close(started);
            throw e;
        }
    }

    /** Their names, in the order in which they can be started. */
    List<String> names() {
        return temporalsPostgres.isPresent()
                ? List.of(POSTGRES, TEMPORALS_POSTGRES, TEMPORAL)
                : List.of(POSTGRES, TEMPORAL);
    }

    void kill(String server) throws InterruptedException {
        switch (server) {
            case POSTGRES -> postgres.kill();
            case TEMPORALS_POSTGRES -> temporalsPostgres.orElseThrow().kill();
            default -> temporal.kill();
        }
    }

    /** Starts a killed one where it was; Temporal too if it gave up without its database, as whoever supervises it would. */
    void restart(String server) throws IOException {
        switch (server) {
            case POSTGRES -> postgres.restart();
            case TEMPORALS_POSTGRES -> {
                temporalsPostgres.orElseThrow().restart();
                temporal.restart();
            }
            default -> temporal.restart();
        }
    }

    @Override
    public void close() {
        List<AutoCloseable> all = new ArrayList<>(List.of(postgres));
        temporalsPostgres.ifPresent(all::add);
        all.add(temporal);
        close(all);
    }

    private static void close(List<AutoCloseable> started) {
        for (AutoCloseable server : started.reversed()) {
            try {
                server.close();
            } catch (Exception e) {
                throw new IllegalStateException(server + " does not end", e);
            }
        }
    }
}
