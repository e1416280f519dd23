package dev.skerry.system.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What the API said it had accepted, which is what must not be lost, and the sessions in which somebody asked to cancel. */
final class Accepted {
    private final Map<String, List<Message>> bySession = new ConcurrentHashMap<>();
    private final Set<String> cancelled = ConcurrentHashMap.newKeySet();

    record Message(String turn, String text) {}

    void session(String session) {
        bySession.putIfAbsent(session, new ArrayList<>());
    }

    /** One session is written to by one person only. */
    void message(String session, String turn, String text) {
        bySession.get(session).add(new Message(turn, text));
    }

    /** To be told before the API is asked, which may cancel without getting its answer through. */
    void cancellation(String session) {
        cancelled.add(session);
    }

    Set<String> cancelled() {
        return Set.copyOf(cancelled);
    }

    Map<String, List<Message>> bySession() {
        return Map.copyOf(bySession);
    }

    long messages() {
        return bySession.values().stream().mapToLong(List::size).sum();
    }
}
