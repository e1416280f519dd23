package dev.skerry.system.chaos;

import dev.skerry.system.Installation;
import dev.skerry.system.chaos.Fault.Kill;
import dev.skerry.system.chaos.Fault.KillSandbox;
import dev.skerry.system.chaos.Fault.Metro;
import dev.skerry.system.chaos.Fault.Reap;
import dev.skerry.system.chaos.FaultPlan.Planned;
import dev.skerry.testing.MortalPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Lets the planned faults happen, one after the other, and brings back what it killed. */
final class Injector {
    private static final Duration BOUNDARY_COMES_WITHIN = Duration.ofSeconds(6);
    private static final Duration STRIKES_WITHIN = Duration.ofSeconds(15);
    private static final Duration LOOK = Duration.ofMillis(25);
    private static final Pattern SESSION = Pattern.compile("skerry-systest-([0-9a-z]{26})-");

    private final Installation installation;
    private final MortalPostgres postgres;
    private final MetroFaults metro;
    private final Random random;
    private final List<Injection> done = new ArrayList<>();
    private final List<Thread> reapers = new ArrayList<>();

    Injector(Installation installation, MortalPostgres postgres, MetroFaults metro, long seed) {
        this.installation = installation;
        this.postgres = postgres;
        this.metro = metro;
        this.random = new Random(seed);
    }

    List<Injection> inject(FaultPlan plan) throws Exception {
        for (Planned planned : plan.faults()) {
            Pace.pause(planned.moment().pause());
            String when = await(planned.moment());
            Injection injection = inject(planned.fault(), planned.moment(), when);
            done.add(injection);
            System.out.printf(
                    Locale.ROOT,
                    "chaos %4d  %-28s %-28s %s%n",
                    injection.number(),
                    injection.fault().kind(),
                    injection.when(),
                    injection.struck() ? "" : "found nothing to strike");
        }
        for (Thread reaper : reapers) {
            reaper.join();
        }
        metro.disarm();
        return List.copyOf(done);
    }

    private Injection inject(Fault fault, Moment moment, String when) throws Exception {
        return switch (fault) {
            case Kill kill -> kill(kill, moment, when);
            case KillSandbox kill -> killSandbox(kill, when);
            case Metro rule -> strike(rule, when);
            case Reap reap -> reap(reap, when);
        };
    }

    private Injection kill(Kill kill, Moment moment, String when) throws Exception {
        Instant at = Instant.now();
        for (String victim : kill.victims()) {
            switch (victim) {
                case "postgres" -> postgres.kill();
                case "temporal" -> installation.temporal().kill();
                default -> installation.kill(victim);
            }
        }
        Pace.pause(moment.outage());
        for (String victim : kill.victims()) {
            switch (victim) {
                case "postgres" -> postgres.restart();
                case "temporal" -> installation.temporal().restart();
                default -> installation.restart(victim);
            }
        }
        return injection(kill, when, at, "", true);
    }

    private Injection killSandbox(KillSandbox kill, String when) throws IOException {
        Instant at = Instant.now();
        List<String> processes = installation.sandboxProcesses();
        if (processes.isEmpty()) {
            return injection(kill, when, at, "", false);
        }
        String process = processes.get(random.nextInt(processes.size()));
        long pid = Long.parseLong(process.substring(0, process.indexOf(' ')));
        Matcher vm = SESSION.matcher(process);
        ProcessHandle.of(pid).ifPresent(found -> {
            found.descendants().forEach(ProcessHandle::destroyForcibly);
            found.destroyForcibly();
        });
        return injection(kill, when, at, vm.find() ? "ses_" + vm.group(1).toUpperCase(Locale.ROOT) : "", true);
    }

    private Injection strike(Metro fault, String when) throws Exception {
        List<String> armed = new ArrayList<>();
        for (var rule : fault.rules()) {
            armed.add(metro.arm(rule));
        }
        Instant at = Instant.now();
        int struck = metro.struck(armed);
        while (struck < fault.occasions() && Instant.now().isBefore(at.plus(STRIKES_WITHIN))) {
            Pace.pause(LOOK);
            struck = metro.struck(armed);
        }
        metro.disarm(armed);
        return injection(fault, when, at, "", struck > 0);
    }

    /** It takes its time, while other things go wrong. */
    private Injection reap(Reap reap, String when) throws Exception {
        metro.arm(Reap.STALE);
        Instant at = Instant.now();
        reapers.add(Thread.startVirtualThread(() -> {
            try {
                installation.skerry(
                        "reap", "--temporal", installation.temporal().target(), "--grace", "PT0S");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        return injection(reap, when, at, "", true);
    }

    private Injection injection(Fault fault, String when, Instant at, String victim, boolean struck) {
        return new Injection(done.size() + 1, fault, when, at, Instant.now(), victim, struck);
    }

    /** Waits until some session takes the step, or for long enough; answers which it was. */
    private String await(Moment moment) throws SQLException {
        if (moment.boundary().isEmpty()) {
            return moment.words();
        }
        String count =
                "select count(*) from events where type = '" + moment.boundary().get() + "'";
        Instant deadline = Instant.now().plus(BOUNDARY_COMES_WITHIN);
        List<String> before = installation.query(count);
        while (installation.query(count).equals(before)) {
            if (Instant.now().isAfter(deadline)) {
                return "at random";
            }
            Pace.pause(LOOK);
        }
        return moment.words();
    }
}
