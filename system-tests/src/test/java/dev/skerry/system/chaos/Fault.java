package dev.skerry.system.chaos;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** What can happen to an installation. */
sealed interface Fault {
    /** Its name in the report. */
    String kind();

    /** Events that happen only when what was hurt works again. */
    Set<String> provenBy();

    /** The parts of an installation that it kills for a moment. */
    default List<String> killed() {
        return List.of();
    }

    /** {@code kill -9} of one process, or of several at once, and a start on the same data a little later. */
    record Kill(List<String> victims) implements Fault {
        static final List<String> METROS = List.of("metro", "other-metro");
        static final List<String> ROLES = Stream.concat(Stream.of("worker", "control-plane", "api"), METROS.stream())
                .toList();

        @Override
        public String kind() {
            return "kill " + String.join(" + ", victims);
        }

        @Override
        public List<String> killed() {
            return victims;
        }

        @Override
        public Set<String> provenBy() {
            return switch (victims.getFirst()) {
                case "worker" ->
                    Set.of("session.provisioning", "session.hardening", "session.suspended", "turn.started");
                case "control-plane" -> Set.of("model.response", "turn.completed");
                case "api" -> Set.of("session.created", "turn.queued");
                case "metro", "other-metro" -> Set.of("session.hardening", "session.suspended", "session.resumed");
                case Servers.TEMPORAL, Servers.TEMPORALS_POSTGRES ->
                    Set.of("session.provisioning", "session.terminating", "turn.started");
                default -> Set.of("session.created", "turn.queued", "turn.completed", "model.response");
            };
        }
    }

    /** {@code kill -9} of one process that stays away for longer than anybody waits for a silent sandbox. */
    record Away(String victim) implements Fault {
        static final Away CONTROL_PLANE = new Away("control-plane");
        static final Duration OUTAGE = Duration.ofSeconds(40);

        @Override
        public String kind() {
            return victim + " away for " + OUTAGE.toSeconds() + " s";
        }

        @Override
        public Set<String> provenBy() {
            return new Kill(List.of(victim)).provenBy();
        }
    }

    /** {@code kill -9} of everything in one sandbox. */
    record KillSandbox() implements Fault {
        static final String SANDBOX = "sandbox";

        @Override
        public String kind() {
            return "kill a sandbox";
        }

        @Override
        public List<String> killed() {
            return List.of(SANDBOX);
        }

        @Override
        public Set<String> provenBy() {
            return Set.of();
        }
    }

    /** An operator lets the reaper look without a grace period, at a list that is stale when it looks again. */
    record Reap() implements Fault {
        static final Map<String, ?> STALE = Map.of("fault", "stale", "next", 5);

        @Override
        public String kind() {
            return "reap on a stale list";
        }

        @Override
        public Set<String> provenBy() {
            return Metro.EFFECTS;
        }
    }

    /** One of the metros misbehaves; the rules are what its fault port is told. */
    record Metro(String kind, List<Map<String, Object>> rules) implements Fault {
        static final Set<String> EFFECTS =
                Set.of("session.hardening", "session.suspended", "session.resumed", "session.terminated");
        static final List<Metro> ALL = List.of(
                of("throttle", "fault", "throttle", "retry_after_s", 1, "next", 2),
                of("5xx before", "fault", "html", "status", 503, "next", 2),
                of("5xx after", "fault", "html_after", "status", 502, "next", 1, "operations", "create"),
                of("5xx after delete", "fault", "html_after", "status", 504, "next", 1, "operations", "delete"),
                of("reset before", "fault", "cut", "next", 2),
                of("reset after", "fault", "cut_after", "next", 1, "operations", "create"),
                of("reset after suspend", "fault", "cut_after", "next", 1, "operations", "suspend"),
                of("hang", "fault", "delay_after", "delay_ms", 12_000, "next", 1, "operations", "create"),
                of("slow", "fault", "slow", "delay_ms", 1_500, "next", 2),
                of("partial success", "fault", "partial", "next", 1, "operations", "delete"),
                of("busy", "fault", "busy", "next", 2, "operations", "delete"),
                of("quota", "fault", "quota", "next", 1, "operations", "create"),
                new Metro(
                        "metro: taken name",
                        List.of(
                                rule("fault", "cut_after", "next", 1, "operations", "create"),
                                rule("fault", "conflict", "next", 1))),
                of("image pull failure", "fault", "image_pull", "next", 1),
                of("boot crash", "fault", "boot_crash", "next", 1),
                of("sandbox death", "fault", "death", "delay_ms", 400, "next", 1));

        private static Metro of(String kind, Object... rule) {
            return new Metro("metro: " + kind, List.of(rule(rule)));
        }

        private static Map<String, Object> rule(Object... rule) {
            Map<String, Object> members = new LinkedHashMap<>();
            for (int at = 0; at < rule.length; at += 2) {
                String member = (String) rule[at];
                members.put(member, member.equals("operations") ? List.of(rule[at + 1]) : rule[at + 1]);
            }
            return members;
        }

        int occasions() {
            return rules.stream().mapToInt(rule -> (int) rule.get("next")).sum();
        }

        @Override
        public Set<String> provenBy() {
            return EFFECTS;
        }
    }
}
