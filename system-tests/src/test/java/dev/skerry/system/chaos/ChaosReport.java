package dev.skerry.system.chaos;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What was injected, what recovered in how long, and whether everything held; for people and as JSON. */
record ChaosReport(
        long seed,
        int faults,
        long seconds,
        int sessions,
        long messages,
        Map<String, Long> turns,
        Map<String, Long> ended,
        List<Row> kinds,
        Map<String, Long> boundaries,
        Map<String, Map<String, Long>> kills,
        int leftToTheReaper,
        long continuedAsNew,
        Map<String, Long> suspensions,
        Map<String, Long> metros,
        Map<String, Integer> invariants,
        List<Violation> violations) {

    /**
     * One kind of fault.
     *
     * @param struck how often it found something to strike
     * @param recovered after how many of these the part was seen at work again; after the others nobody needed it any more
     * @param medianMs from the fault to the first sign that the part works again
     */
    record Row(String kind, int injected, int struck, int recovered, long medianMs, long worstMs) {}

    /** A fault with the first sign that what it hit works again, if anybody needed it again. */
    record Recovery(Injection injection, Optional<Instant> seen) {}

    boolean holds() {
        return violations.isEmpty();
    }

    static List<Row> rows(List<Recovery> recoveries) {
        Map<String, List<Recovery>> byKind = new TreeMap<>();
        for (Recovery recovery : recoveries) {
            byKind.computeIfAbsent(recovery.injection().fault().kind(), ignored -> new ArrayList<>())
                    .add(recovery);
        }
        List<Row> rows = new ArrayList<>();
        byKind.forEach((kind, all) -> rows.add(row(kind, all)));
        return List.copyOf(rows);
    }

    private static Row row(String kind, List<Recovery> all) {
        List<Recovery> struck =
                all.stream().filter(recovery -> recovery.injection().struck()).toList();
        List<Long> times = struck.stream()
                .filter(recovery -> recovery.seen().isPresent())
                .map(recovery -> Duration.between(
                                recovery.injection().at(), recovery.seen().get())
                        .toMillis())
                .sorted()
                .toList();
        return new Row(
                kind,
                all.size(),
                struck.size(),
                times.size(),
                times.isEmpty() ? 0 : times.get(times.size() / 2),
                times.isEmpty() ? 0 : times.getLast());
    }

    /** How many faults struck right after each step; 0 for a step that none met. */
    static Map<String, Long> boundaries(List<Injection> injections) {
        Map<String, Long> boundaries = new TreeMap<>();
        Moment.BOUNDARIES.forEach(step -> boundaries.put(Moment.after(step), 0L));
        injections.forEach(injection -> boundaries.merge(injection.when(), 1L, Long::sum));
        return boundaries;
    }

    /** By step, how often each part was killed right after it. */
    static Map<String, Map<String, Long>> kills(List<Injection> injections, List<String> parts) {
        Map<String, Map<String, Long>> kills = new LinkedHashMap<>();
        for (String step : Moment.BOUNDARIES) {
            Map<String, Long> row = new LinkedHashMap<>();
            for (String part : parts) {
                row.put(
                        part,
                        injections.stream()
                                .filter(injection -> injection.when().equals(Moment.after(step)))
                                .filter(Injection::struck)
                                .filter(injection -> injection.fault().killed().contains(part))
                                .count());
            }
            kills.put(step, row);
        }
        return kills;
    }

    static Map<String, Integer> counted(List<Violation> violations) {
        Map<String, Integer> counted = new LinkedHashMap<>();
        Invariants.ALL.forEach(invariant -> counted.put(invariant, 0));
        violations.forEach(violation -> counted.merge(violation.invariant(), 1, Integer::sum));
        return counted;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        text.append(line(
                "%n%-40s %8s %8s %10s %10s %10s", "fault", "injected", "struck", "recovered", "median s", "worst s"));
        for (Row row : kinds) {
            text.append(line(
                    "%-40s %8d %8d %10d %10.1f %10.1f",
                    row.kind(),
                    row.injected(),
                    row.struck(),
                    row.recovered(),
                    row.medianMs() / 1000.0,
                    row.worstMs() / 1000.0));
        }
        text.append(line("%nmoments: %s%n", boundaries));
        text.append(table());
        text.append(line("%d sessions %s, %d messages, turns %s", sessions, ended, messages, turns));
        text.append(line("VMs left to the reaper: %d", leftToTheReaper));
        text.append(line("workflows continued as new: %d", continuedAsNew));
        text.append(line("suspensions by reason: %s; sandboxes by metro: %s", suspensions, metros));
        invariants.forEach((invariant, count) -> text.append(line("%-28s %8d", invariant, count)));
        violations.forEach(violation -> text.append(line("  %s: %s", violation.invariant(), violation.what())));
        text.append(
                line("%d faults in %d s, seed %d: %s", faults, seconds, seed, holds() ? "everything held" : "BROKEN"));
        return text.toString();
    }

    private String table() {
        StringBuilder table = new StringBuilder();
        kills.forEach((step, row) -> {
            if (table.isEmpty()) {
                table.append(String.format(Locale.ROOT, "%-28s", "killed after"));
                row.keySet().forEach(part -> table.append("  ").append(part));
                table.append(line(""));
            }
            table.append(String.format(Locale.ROOT, "%-28s", step));
            row.forEach(
                    (part, count) -> table.append(String.format(Locale.ROOT, "%" + (part.length() + 2) + "d", count)));
            table.append(line(""));
        });
        return table.append(line("")).toString();
    }

    private static String line(String format, Object... arguments) {
        return String.format(Locale.ROOT, format + "%n", arguments);
    }
}
