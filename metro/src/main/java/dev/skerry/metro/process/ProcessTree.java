package dev.skerry.metro.process;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The processes of a sandbox as /proc shows them: everything below its leader, and everything in the leader's session. */
final class ProcessTree {
    private static final int MOST_ROUNDS = 50;
    private static final long SIGNAL_SECONDS = 5;
    private static final long PAGE = 4096;
    private static final long SIGSTOP_BIT = 1L << 18;
    private static final long MILLIS_PER_TICK = 10;

    private ProcessTree() {}

    /**
     * One line of /proc/pid/stat; source: proc(5).
     *
     * @param state R, S, D, T, Z, ...
     */
    record Stat(long pid, char state, long parent, long session, long cpuTicks, long residentPages) {
        boolean living() {
            return state != 'Z' && state != 'X';
        }

        /**
         * Does nothing until it is continued.
         *
         * <p>A parent that waits in vfork for a stopped child stays in state D with the signal pending: it stops before it does anything.
         */
        boolean stopped() {
            return state == 'T' || (state == 'D' && stopIsPending(pid));
        }
    }

    private static boolean stopIsPending(long pid) {
        try {
            return Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
                    .filter(line -> line.startsWith("SigPnd:") || line.startsWith("ShdPnd:"))
                    .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & SIGSTOP_BIT) != 0);
        } catch (IOException e) {
            return false;
        }
    }

    static Optional<Stat> stat(long pid) {
        try {
            String line = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ", -1);
            return Optional.of(new Stat(
                    pid,
                    fields[0].charAt(0),
                    Long.parseLong(fields[1]),
                    Long.parseLong(fields[3]),
                    Long.parseLong(fields[11]) + Long.parseLong(fields[12]),
                    Long.parseLong(fields[21])));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The processes that lead a session and work in that directory. */
    static List<Long> leadersIn(Path directory) {
        return everything().stream()
                .filter(stat -> stat.pid() == stat.session() && stat.living())
                .map(Stat::pid)
                .filter(pid -> directory.equals(workingDirectory(pid)))
                .toList();
    }

    private static @Nullable Path workingDirectory(long pid) {
        try {
            return Files.readSymbolicLink(Path.of("/proc", Long.toString(pid), "cwd"));
        } catch (IOException e) {
            return null;
        }
    }

    /** Whether there is something, and nothing of it is awake. */
    static boolean frozen(long leader) {
        List<Stat> all = of(leader);
        return !all.isEmpty() && all.stream().allMatch(Stat::stopped);
    }

    /** The leader first. */
    static List<Stat> of(long leader) {
        List<Stat> all = everything();
        Set<Long> found = new LinkedHashSet<>();
        Deque<Long> toVisit = new ArrayDeque<>(List.of(leader));
        while (!toVisit.isEmpty()) {
            long pid = toVisit.remove();
            if (found.add(pid)) {
                for (Stat stat : all) {
                    if (stat.parent() == pid || stat.session() == pid) {
                        toVisit.add(stat.pid());
                    }
                }
            }
        }
        return all.stream()
                .filter(stat -> found.contains(stat.pid()) && stat.living())
                .sorted((a, b) -> Boolean.compare(b.pid() == leader, a.pid() == leader))
                .toList();
    }

    private static List<Stat> everything() {
        List<Stat> all = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path entry : entries) {
                stat(Long.parseLong(entry.getFileName().toString())).ifPresent(all::add);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return all;
    }

    /** Stops everything; looks again until nothing new has been forked meanwhile. */
    static void freeze(long leader) throws IOException {
        for (int round = 0; round < MOST_ROUNDS; round++) {
            List<Long> awake = of(leader).stream()
                    .filter(stat -> !stat.stopped())
                    .map(Stat::pid)
                    .toList();
            if (awake.isEmpty()) {
                return;
            }
            signal("STOP", awake);
        }
        throw new IOException("a sandbox does not stop");
    }

    static void thaw(long leader) throws IOException {
        signal("CONT", of(leader).reversed().stream().map(Stat::pid).toList());
    }

    /** Kills everything, frozen first so that nothing forks away, the leader last; answers what was killed. */
    static Set<Long> kill(long leader) throws IOException {
        Set<Long> killed = new HashSet<>();
        for (int round = 0; round < MOST_ROUNDS; round++) {
            List<Stat> rest = of(leader);
            if (rest.isEmpty()) {
                return killed;
            }
            if (round == 0) {
                freeze(leader);
                rest = of(leader);
            }
            List<Long> pids = rest.reversed().stream().map(Stat::pid).toList();
            signal("KILL", pids);
            killed.addAll(pids);
            pause();
        }
        throw new IOException("a sandbox does not end");
    }

    static long residentBytes(long leader) {
        return of(leader).stream().mapToLong(Stat::residentPages).sum() * PAGE;
    }

    static Duration cpu(long leader) {
        return Duration.ofMillis(of(leader).stream().mapToLong(Stat::cpuTicks).sum() * MILLIS_PER_TICK);
    }

    static void signal(String name, List<Long> pids) throws IOException {
        if (pids.isEmpty()) {
            return;
        }
        List<String> command = new ArrayList<>(List.of("kill", "-" + name));
        pids.forEach(pid -> command.add(Long.toString(pid)));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (!process.waitFor(SIGNAL_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    static void pause() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
