package dev.skerry.api.workflow;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Remembers how far this process has submitted the turns of the sessions that it lately heard of, so that it need not ask the store
 * before each message whether older ones wait.
 */
class Delivered {
    private static final int MOST_SESSIONS = 10_000;

    private final Map<String, Integer> lastOrdinals = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Integer> eldest) {
            return size() > MOST_SESSIONS;
        }
    };

    /** Whether every turn up to this one is known to have been submitted. */
    synchronized boolean reach(String session, int ordinal) {
        return ordinal <= lastOrdinals.getOrDefault(session, 0);
    }

    /** Every turn up to this one was submitted. */
    synchronized void upTo(String session, int ordinal) {
        lastOrdinals.merge(session, ordinal, Math::max);
    }
}
