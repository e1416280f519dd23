package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.problem.RefusedException;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A {@link Hello} whose every field has the documented form and a bounded size. */
record Report(String nonce, String runtimeVersion, String driver, List<Probe> probes) {
    private static final Pattern NONCE = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern VERSION = Pattern.compile("[0-9A-Za-z.+_-]{1,64}");
    private static final Pattern PROBE = Pattern.compile("[A-Z][0-9]{2}");
    private static final Set<String> DRIVERS = Set.of("plain", "bubblewrap", "docker", "vm");
    private static final Set<String> RESULTS = Set.of("pass", "fail", "unsupported");
    private static final int MOST_PROBES = 200;
    private static final int LONGEST_DETAIL = 500;

    /** One answered question. */
    record Probe(String id, String result, String detail) {}

    static Report of(Hello hello) {
        List<Hello.Probe> probes = hello.probes() == null ? List.of() : hello.probes();
        if (probes.size() > MOST_PROBES) {
            throw RefusedException.invalid("probes may have " + MOST_PROBES + " entries at most.");
        }
        return new Report(
                matching(hello.nonce(), NONCE, "nonce must be 32 lower-case hex characters."),
                matching(hello.runtimeVersion(), VERSION, "runtime_version must be a version such as 0.1.0."),
                one(hello.driver(), DRIVERS, "driver must be plain, bubblewrap, docker or vm."),
                probes.stream().map(Report::probe).toList());
    }

    /** How many probes had this result. */
    int count(String result) {
        return (int)
                probes.stream().filter(probe -> probe.result().equals(result)).count();
    }

    /** Whether a probe was tried and did not fail; what a platform cannot answer is no failure. */
    boolean stands(String id) {
        List<Probe> answers =
                probes.stream().filter(probe -> probe.id().equals(id)).toList();
        return !answers.isEmpty()
                && answers.stream().noneMatch(answer -> answer.result().equals("fail"));
    }

    private static Probe probe(Hello.@Nullable Probe probe) {
        if (probe == null) {
            throw RefusedException.invalid("A probe must be an object.");
        }
        String detail = Objects.requireNonNullElse(probe.detail(), "");
        return new Probe(
                matching(probe.id(), PROBE, "A probe's id must be a letter and two digits, such as P01."),
                one(probe.result(), RESULTS, "A probe's result must be pass, fail or unsupported."),
                detail.length() <= LONGEST_DETAIL ? detail : detail.substring(0, LONGEST_DETAIL));
    }

    private static String matching(@Nullable String value, Pattern form, String otherwise) {
        if (value == null || !form.matcher(value).matches()) {
            throw RefusedException.invalid(otherwise);
        }
        return value;
    }

    private static String one(@Nullable String value, Set<String> known, String otherwise) {
        if (value == null || !known.contains(value)) {
            throw RefusedException.invalid(otherwise);
        }
        return value;
    }
}
