package dev.skerry.system.chaos;

import dev.skerry.system.Installation;
import dev.skerry.system.chaos.Fault.Away;
import dev.skerry.system.chaos.Fault.Kill;
import dev.skerry.system.chaos.Fault.KillSandbox;
import dev.skerry.system.chaos.Fault.Metro;
import dev.skerry.system.chaos.Fault.Reap;
import dev.skerry.system.chaos.FaultPlan.Planned;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Lets the planned faults happen, one after the other, and brings back what it killed. */
final class Injector {
    private static final Duration BOUNDARY_COMES_WITHIN = Duration.ofSeconds(6);
    private static final Duration STRIKES_WITHIN = Duration.ofSeconds(8);
    private static final Duration LOOK = Duration.ofMillis(25);
    private static final Pattern SESSION = Pattern.compile("SESSION_ID=(ses_[0-9A-Z]{26})");

    private final Installation installation;
    private final Servers servers;
    private final Map<String, MetroFaults> metros;
    private final Random random;
    private final List<Injection> done = new ArrayList<>();
    private final List<String> failures = new CopyOnWriteArrayList<>();
    private final List<Thread> reapers = new ArrayList<>();
    private final Deque<Planned> missed = new ArrayDeque<>();
    private final Map<String, Future<?>> returning = new HashMap<>();
    private final ExecutorService inBackground = Executors.newVirtualThreadPerTaskExecutor();

    /** {@code metros} are known by the names of their roles. */
    Injector(Installation installation, Servers servers, Map<String, MetroFaults> metros, long seed) {
        this.installation = installation;
        this.servers = servers;
        this.metros = metros;
        this.random = new Random(seed);
    }

    /** Answers what it injected, which is less than was planned when it is told to stop, or when it fails itself. */
    List<Injection> inject(FaultPlan plan, BooleanSupplier stop) throws InterruptedException {
        try (inBackground) {
            unlessItFails(() -> injectAll(plan, stop));
            for (Thread reaper : reapers) {
                reaper.join();
            }
            for (String role : Kill.ROLES) {
                unlessItFails(() -> awaitBack(role));
            }
        }
        for (MetroFaults metro : metros.values()) {
            unlessItFails(metro::disarm);
        }
        return List.copyOf(done);
    }

    /** What went wrong with the injecting itself: the faults after it did not happen, and what was to come back may be away. */
    List<String> failures() {
        return List.copyOf(failures);
    }

    private void unlessItFails(Step step) throws InterruptedException {
        try {
            step.take();
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            failures.add("after " + done.size() + " faults: " + e);
            e.printStackTrace(System.out);
        }
    }

    /** Something that is not to keep the run from being counted. */
    private interface Step {
        void take() throws Exception;
    }

    /** A fault whose step did not come in time is tried again instead of one that has no step and is not the first of its kind. */
    private void injectAll(FaultPlan plan, BooleanSupplier stop) throws Exception {
        Instant began = Instant.now();
        for (Planned planned : plan.faults()) {
            if (stop.getAsBoolean()) {
                System.out.println("chaos: told to stop, so nothing more fails; now everything has to come to rest");
                return;
            }
            Planned next = missed.isEmpty() || !isSpare(planned) ? planned : missed.remove();
            Pace.pause(next.moment().pause());
            String when = await(next.moment());
            if (next.moment().boundary().isPresent() && when.equals(Moment.AT_RANDOM)) {
                missed.add(next);
            }
            Injection injection = inject(next.fault(), next.moment(), when);
            done.add(injection);
            System.out.printf(
                    Locale.ROOT,
                    "chaos %4d %5d s  %-28s %-28s %s%n",
                    injection.number(),
                    Duration.between(began, Instant.now()).toSeconds(),
                    injection.fault().kind(),
                    injection.when(),
                    injection.struck() ? "" : "found nothing to strike");
        }
    }

    private boolean isSpare(Planned planned) {
        return planned.moment().boundary().isEmpty()
                && !(planned.fault() instanceof Away)
                && done.stream().anyMatch(injection -> injection.fault().equals(planned.fault()));
    }

    private Injection inject(Fault fault, Moment moment, String when) throws Exception {
        return switch (fault) {
            case Kill kill -> kill(kill, kill.victims(), moment.outage(), when);
            case Away away -> kill(away, List.of(away.victim()), Away.OUTAGE, when);
            case KillSandbox kill -> killSandbox(kill, when);
            case Metro rule -> strike(rule, when);
            case Reap reap -> reap(reap, when);
        };
    }

    private Injection kill(Fault fault, List<String> victims, Duration outage, String when) throws Exception {
        for (String victim : victims) {
            awaitBack(victim);
        }
        Instant at = Instant.now();
        for (String victim : victims) {
            if (servers.names().contains(victim)) {
                servers.kill(victim);
            } else {
                installation.kill(victim);
            }
        }
        Pace.pause(outage);
        Instant over = Instant.now();
        for (String server : servers.names()) {
            if (victims.contains(server)) {
                servers.restart(server);
            }
        }
        for (String victim : victims) {
            if (!servers.names().contains(victim)) {
                returning.put(victim, inBackground.submit(() -> bringBack(victim)));
            }
        }
        MetroFaults metro = metros.get(victims.getFirst());
        return new Injection(done.size() + 1, fault, when, at, over, "", metro == null ? "" : metro.code(), true);
    }

    /** A role takes seconds to start; meanwhile the next fault may strike. */
    private Instant bringBack(String role) {
        installation.restart(role);
        return Instant.now();
    }

    private void awaitBack(String victim) throws Exception {
        Future<?> back = returning.remove(victim);
        if (back != null) {
            back.get();
        }
        if (metros.containsKey(victim)) {
            metros.get(victim).awaitListening();
        }
    }

    /** One of the metros, which is there. */
    private MetroFaults anyMetro() throws Exception {
        List<String> names = List.copyOf(metros.keySet());
        String name = names.get(random.nextInt(names.size()));
        awaitBack(name);
        return metros.get(name);
    }

    private Injection killSandbox(KillSandbox kill, String when) throws IOException {
        Instant at = Instant.now();
        Map<String, List<Long>> bySession = new TreeMap<>();
        for (String process : installation.sandboxProcesses()) {
            long pid = Long.parseLong(process.substring(0, process.indexOf(' ')));
            sessionOf(pid)
                    .ifPresent(session -> bySession
                            .computeIfAbsent(session, ignored -> new ArrayList<>())
                            .add(pid));
        }
        if (bySession.isEmpty()) {
            return injection(kill, when, at, "", "", false);
        }
        String victim = List.copyOf(bySession.keySet()).get(random.nextInt(bySession.size()));
        bySession.get(victim).stream()
                .map(ProcessHandle::of)
                .flatMap(Optional::stream)
                .forEach(process -> {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly();
                });
        return injection(kill, when, at, victim, "", true);
    }

    private static Optional<String> sessionOf(long pid) {
        try {
            Matcher session = SESSION.matcher(
                    Files.readString(Path.of("/proc", Long.toString(pid), "environ"), StandardCharsets.ISO_8859_1));
            return session.find() ? Optional.of(session.group(1)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private Injection strike(Metro fault, String when) throws Exception {
        MetroFaults metro = anyMetro();
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
        return injection(fault, when, at, "", metro.code(), struck > 0);
    }

    /** Whether it succeeds, while other things go wrong, is not asked; but it has to end. */
    private void reap() {
        try {
            installation.skerry(
                    "reap", "--temporal", installation.temporal().target(), "--grace", "PT0S", "--wait", "PT1M");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException | AssertionError e) {
            failures.add(e.toString());
        }
    }

    /** It takes its time, while other things go wrong. */
    private Injection reap(Reap reap, String when) throws Exception {
        MetroFaults metro = anyMetro();
        metro.arm(Reap.STALE);
        Instant at = Instant.now();
        reapers.add(Thread.startVirtualThread(this::reap));
        return injection(reap, when, at, "", metro.code(), true);
    }

    private Injection injection(Fault fault, String when, Instant at, String victim, String metro, boolean struck) {
        return new Injection(done.size() + 1, fault, when, at, Instant.now(), victim, metro, struck);
    }

    /** Waits until some session takes the step, or for long enough; answers which it was. */
    private String await(Moment moment) throws SQLException {
        if (moment.boundary().isEmpty()) {
            return Moment.AT_RANDOM;
        }
        String step = moment.boundary().get();
        String count = "select count(*) from events where type = '" + step + "'";
        Instant deadline = Instant.now().plus(BOUNDARY_COMES_WITHIN);
        List<String> before = installation.query(count);
        while (installation.query(count).equals(before)) {
            if (Instant.now().isAfter(deadline)) {
                return Moment.AT_RANDOM;
            }
            Pace.pause(LOOK);
        }
        return Moment.after(step);
    }
}
