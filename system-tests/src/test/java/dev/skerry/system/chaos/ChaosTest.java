package dev.skerry.system.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.system.Command;
import dev.skerry.system.Installation;
import dev.skerry.system.chaos.ChaosReport.Recovery;
import dev.skerry.system.chaos.Fault.Kill;
import dev.skerry.system.chaos.Fault.KillSandbox;
import dev.skerry.testing.FreePort;
import io.temporal.client.WorkflowClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/**
 * People use sessions while everything under them is killed and misbehaves; then everything that must hold is counted.
 *
 * <p>{@code -Dskerry.faults}, {@code -Dskerry.seed} and {@code -Dskerry.people} make it longer and repeat it; {@code
 * -Dskerry.temporal-server} is a directory with a Temporal server to run on Postgres; once the file {@code -Dskerry.stop} exists,
 * nothing more fails.
 */
class ChaosTest {
    private static final Duration SETTLES_WITHIN = Duration.ofMinutes(4);
    private static final Pattern DESTROYED = Pattern.compile("(\\d+) destroyed");

    @TempDir
    private Path directory;

    @Test
    void nothingIsLostLeakedDoubledOrStuckWhateverFails() throws Exception {
        long seed = Long.getLong("skerry.seed", RandomGenerator.getDefault().nextLong(1_000_000));
        System.out.println("chaos: seed " + seed);
        try (ScriptedModel model = new ScriptedModel()) {
            nothingIsLost(seed, model);
        }
    }

    private void nothingIsLost(long seed, ScriptedModel model) throws Exception {
        Map<String, Map<String, String>> roles = new HashMap<>(Map.of(
                "control-plane",
                Map.of("SKERRY_MODELS_OPENAIBASEURL", model.url(), "SKERRY_MODELS_OPENAIMODEL", ScriptedModel.NAME)));
        Map<String, MetroFaults> metros = new LinkedHashMap<>();
        for (String metro : Kill.METROS) {
            MetroFaults faults = new MetroFaults(Installation.code(metro), FreePort.find());
            metros.put(metro, faults);
            roles.put(metro, faults.settings(seed));
        }
        try (Servers servers = Servers.start(directory, setting("skerry.temporal-server"));
                Installation installation = Installation.start(
                        directory, servers.temporal(), servers.postgres().url(), Kill.METROS, roles)) {
            List<String> victims =
                    Stream.concat(Kill.ROLES.stream(), servers.names().stream()).toList();
            List<String> parts = Stream.concat(victims.stream(), Stream.of(KillSandbox.SANDBOX))
                    .toList();
            int faults =
                    Integer.getInteger("skerry.faults", FaultPlan.kinds(victims).size());
            Path kept = Files.createDirectories(Path.of("target", "chaos"));
            boolean holds = false;
            try {
                ChaosReport report = new Run(seed, installation, servers, metros, model)
                        .run(FaultPlan.of(seed, faults, victims), parts);
                System.out.println(report);
                Files.writeString(
                        kept.resolve("chaos-" + seed + ".json"),
                        JsonMapper.builder().build().writeValueAsString(report));
                holds = report.holds();
                assertThat(report.violations()).as("seed %s", seed).isEmpty();
            } finally {
                if (!holds) {
                    Files.writeString(kept.resolve("chaos-" + seed + ".log"), installation.logs());
                }
            }
        }
    }

    private static boolean isToStop() {
        return setting("skerry.stop").filter(Files::exists).isPresent();
    }

    private static Optional<Path> setting(String name) {
        return Optional.ofNullable(System.getProperty(name))
                .filter(value -> !value.isEmpty())
                .map(Path::of);
    }

    /** One run against one installation. */
    private static final class Run {
        private final Accepted accepted = new Accepted();
        private final List<String> unserved = new ArrayList<>();
        private final long seed;
        private final Installation installation;
        private final PublicApi api;
        private final Injector injector;
        private final Invariants invariants;

        Run(
                long seed,
                Installation installation,
                Servers servers,
                Map<String, MetroFaults> metros,
                ScriptedModel model) {
            this.seed = seed;
            this.installation = installation;
            this.api = new PublicApi(installation.apiUrl(), installation.apiKey());
            this.injector = new Injector(installation, servers, metros, seed);
            this.invariants = new Invariants(installation, model);
        }

        ChaosReport run(FaultPlan plan, List<String> parts) throws Exception {
            Instant began = Instant.now();
            List<Injection> injections = injectWhileUsed(plan);
            settle();
            List<Violation> violations = new ArrayList<>(invariants.broken(accepted));
            endEverything();
            settle();
            int reaped = reap();
            violations.addAll(invariants.broken(accepted));
            installation
                    .query(
                            "select id || ' is ' || status || ' although it was deleted' from sessions where ended_at is null")
                    .forEach(session -> violations.add(new Violation(Records.STUCK, session)));
            injector.failures().forEach(said -> violations.add(new Violation("failed injections", said)));
            unserved.forEach(said -> violations.add(new Violation("people not served", said)));
            api.internalErrors().forEach(said -> violations.add(new Violation("internal errors", said)));
            return new ChaosReport(
                    seed,
                    injections.size(),
                    Duration.between(began, Instant.now()).toSeconds(),
                    accepted.bySession().size(),
                    accepted.messages(),
                    counts("select status || coalesce(' ' || reason_code, '') from turns"),
                    counts("select status || coalesce(' ' || reason_code, '') from sessions"),
                    ChaosReport.rows(recoveries(injections)),
                    ChaosReport.boundaries(injections),
                    ChaosReport.kills(injections, parts),
                    reaped,
                    continuedAsNew(),
                    counts("select coalesce(data->>'reason', '') from events where type = 'session.suspended'"),
                    counts("select data->>'metro' from events where type = 'session.hardening'"),
                    ChaosReport.counted(violations),
                    violations.stream().distinct().toList());
        }

        private List<Injection> injectWhileUsed(FaultPlan plan) throws Exception {
            AtomicBoolean goesOn = new AtomicBoolean(true);
            try (ExecutorService people = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> busy = new ArrayList<>();
                for (int number = 0; number < Integer.getInteger("skerry.people", 5); number++) {
                    busy.add(people.submit(new Person("p" + number, api, accepted, seed * 31 + number, goesOn::get)));
                }
                try {
                    return injector.inject(plan, ChaosTest::isToStop);
                } finally {
                    goesOn.set(false);
                    for (Future<?> person : busy) {
                        awaitEnd(person);
                    }
                }
            }
        }

        /** What the API refused or never answered is counted like everything else that went wrong. */
        private void awaitEnd(Future<?> person) throws Exception {
            try {
                person.get(10, TimeUnit.MINUTES);
            } catch (ExecutionException e) {
                unserved.add(String.valueOf(e.getCause().getMessage()));
            }
        }

        /** What does not come to rest in time is counted as stuck. */
        private void settle() throws Exception {
            settle(invariants::restless);
        }

        private void settle(Callable<List<String>> restless) throws Exception {
            try {
                Awaitility.await()
                        .atMost(SETTLES_WITHIN)
                        .pollInterval(Duration.ofMillis(500))
                        .until(() -> restless.call().isEmpty());
            } catch (ConditionTimeoutException e) {
                System.out.println("chaos: not at rest after " + SETTLES_WITHIN + ": " + restless.call());
            }
        }

        private void endEverything() throws Exception {
            for (String session : installation.query("select id from sessions where ended_at is null")) {
                assertThat(api.delete("/v1/sessions/" + session).status()).isEqualTo(202);
            }
            settle(() -> installation.query("select id from sessions where ended_at is null"));
        }

        private long continuedAsNew() {
            WorkflowClient temporal = installation.temporalClient();
            try {
                return temporal.countWorkflows("ExecutionStatus = 'ContinuedAsNew'")
                        .getCount();
            } finally {
                temporal.getWorkflowServiceStubs().shutdown();
            }
        }

        /** Answers how many VMs were left to the reaper; each is one that the workflow gave up on, or that came to be too late. */
        private int reap() throws Exception {
            if (invariants.vmsOfNobody().isEmpty()) {
                return 0;
            }
            Command.Result reaped = installation.skerry(
                    "reap", "--temporal", installation.temporal().target(), "--grace", "PT0S");
            assertThat(reaped.exitCode()).as(reaped.output()).isZero();
            return DESTROYED
                    .matcher(reaped.output())
                    .results()
                    .mapToInt(found -> Integer.parseInt(found.group(1)))
                    .sum();
        }

        private List<Recovery> recoveries(List<Injection> injections) throws SQLException {
            List<Recovery> recoveries = new ArrayList<>();
            for (Injection injection : injections) {
                recoveries.add(new Recovery(injection, firstSign(injection)));
            }
            return recoveries;
        }

        /** Of a session that was hit, its own; of a metro, something of a sandbox there; else anybody's. */
        private Optional<Instant> firstSign(Injection injection) throws SQLException {
            boolean ofOneSession = !injection.victim().isEmpty();
            Set<String> types = ofOneSession
                    ? Set.of("session.ready", "session.terminated", "session.failed")
                    : injection.fault().provenBy();
            return installation
                    .query("""
                            select extract(epoch from min(at)) from events e
                            where at > '%s' and type in ('%s') and '%s' in ('', session_id) and ('%4$s' = '' or exists (
                                select 1 from events h where h.session_id = e.session_id and h.incarnation = e.incarnation
                                    and h.type = 'session.hardening' and h.data->>'metro' = '%4$s'))
                            having min(at) is not null""".formatted(
                                    ofOneSession ? injection.at() : injection.over(),
                                    String.join("', '", types),
                                    injection.victim(),
                                    injection.metro()))
                    .stream()
                    .findFirst()
                    .map(epoch -> Instant.ofEpochMilli((long) (Double.parseDouble(epoch) * 1000)));
        }

        private Map<String, Long> counts(String query) throws SQLException {
            Map<String, Long> counts = new TreeMap<>();
            installation.query(query).forEach(value -> counts.merge(value, 1L, Long::sum));
            return counts;
        }
    }
}
