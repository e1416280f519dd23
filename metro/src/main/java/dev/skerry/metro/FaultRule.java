package dev.skerry.metro;

import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One fault, when it strikes and what it looks like.
 *
 * @param operations such as {@code create}; empty means every one
 * @param names of the instances that it may hit, as a regular expression over the whole name
 * @param probability with which a matching occasion is hit
 * @param left how many more occasions it hits; {@link Long#MAX_VALUE} is without end
 * @param fired how many it has hit
 */
record FaultRule(
        String id,
        Fault fault,
        List<String> operations,
        Pattern names,
        double probability,
        AtomicLong left,
        AtomicLong fired,
        long delayMillis,
        int status,
        long retryAfterSeconds,
        int code,
        String message,
        long madeAtMillis) {
    static final Set<String> OPERATIONS = Set.of(
            "create",
            "list",
            "get",
            "patch",
            "delete",
            "start",
            "stop",
            "suspend",
            "wait",
            "log",
            "metrics",
            "templates",
            "services",
            "images",
            "quotas",
            "healthz",
            "audit");
    private static final Set<String> MEMBERS = Set.of(
            "fault",
            "operations",
            "names",
            "probability",
            "next",
            "delay_ms",
            "status",
            "retry_after_s",
            "code",
            "message");
    private static final long MOST_DELAY = 600_000;

    /** Reads a rule; says what is wrong with one that cannot be meant. */
    static FaultRule of(String id, Fields fields, long nowMillis) throws ItemException {
        fields.only(MEMBERS);
        String name = fields.text("fault", "");
        Fault fault = Fault.named(name)
                .orElseThrow(() -> ItemException.invalid("fault", "unknown; see the table in metro/README.md"));
        List<String> operations = fields.texts("operations", OPERATIONS.size(), 20);
        for (String operation : operations) {
            if (!OPERATIONS.contains(operation)) {
                throw ItemException.invalid("operations", "knows no '" + operation + "'");
            }
        }
        if (!fields.has("probability") && !fields.has("next")) {
            throw ItemException.invalid("fault", "give 'next', a number of occasions, or 'probability', or both");
        }
        long delay = fields.number("delay_ms", 0, 0, MOST_DELAY);
        boolean needsDelay = switch (fault) {
            case DELAY, DELAY_AFTER, SLOW, IMAGE_SLOW -> true;
            case THROTTLE,
                    HTML,
                    CUT,
                    HTML_AFTER,
                    CUT_AFTER,
                    STALE,
                    BUSY,
                    QUOTA,
                    PARTIAL,
                    CONFLICT,
                    IMAGE_PULL,
                    BOOT_CRASH,
                    DEATH -> false;
        };
        if (needsDelay && delay == 0) {
            throw ItemException.invalid("delay_ms", "'" + name + "' needs one");
        }
        return new FaultRule(
                id,
                fault,
                operations,
                pattern(fields.text("names", ".*")),
                probability(fields),
                new AtomicLong(fields.number("next", Long.MAX_VALUE, 1, Long.MAX_VALUE)),
                new AtomicLong(),
                delay,
                (int) fields.number("status", 502, 502, 504),
                fields.number("retry_after_s", 0, 0, 3600),
                (int) fields.number("code", ItemException.OPERATION_FAILED, 0, 99),
                fields.text("message", "Operation failed"),
                nowMillis);
    }

    private static double probability(Fields fields) throws ItemException {
        if (!fields.has("probability")) {
            return 1;
        }
        double value = fields.node().path("probability").asDouble(-1);
        if (!fields.node().path("probability").isNumber() || !(value > 0 && value <= 1)) {
            throw ItemException.invalid("probability", "must be above 0 and at most 1");
        }
        return value;
    }

    private static Pattern pattern(String text) throws ItemException {
        try {
            return Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw ItemException.invalid("names", "not a regular expression");
        }
    }

    boolean concerns(String operation, String name) {
        return (operations.isEmpty() || operations.contains(operation))
                && names.matcher(name).matches();
    }

    ObjectNode view(JsonMapper json) {
        ObjectNode view = json.createObjectNode();
        view.put("id", id)
                .put("fault", fault.wire())
                .put("probability", probability)
                .put("fired", fired.get());
        if (left.get() < Long.MAX_VALUE / 2) {
            view.put("next", left.get());
        }
        view.set("operations", json.valueToTree(operations));
        view.put("names", names.pattern());
        return view;
    }
}
