package dev.skerry.metro;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What lists were answered with since one of them was to be stale; nothing is remembered before that. */
final class StaleLists {
    private static final int MOST_REMEMBERED = 1_000;

    private final Map<String, Reply> answered = new ConcurrentHashMap<>();
    private final Faults faults;

    StaleLists(Faults faults) {
        this.faults = faults;
    }

    /** The answer as it is now, or as it was before when a rule wants that. */
    Reply asSeen(Call call, Reply now) {
        if (!call.operation().equals("list")) {
            return now;
        }
        if (!faults.armed(Fault.STALE) || answered.size() >= MOST_REMEMBERED) {
            answered.clear();
            return now;
        }
        Reply before = answered.putIfAbsent(call.query().values().toString(), now);
        boolean stale = before != null
                && faults.strike(Fault.Scope.LIST, call.operation(), "").isPresent();
        return stale ? before : now;
    }
}
