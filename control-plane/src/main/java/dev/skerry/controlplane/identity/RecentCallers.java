package dev.skerry.controlplane.identity;

import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** Remembers for moments whose tokens were admitted, so that calls in quick succession need not ask the store each time. */
final class RecentCallers {
    private static final int MOST_REMEMBERED = 100_000;

    private final long nanos;
    private final Map<String, Admitted> byHash = new ConcurrentHashMap<>();

    RecentCallers(Duration remembered) {
        this.nanos = remembered.toNanos();
    }

    private record Admitted(Caller caller, long at) {}

    /** Who was admitted with this token lately, or whom {@code authenticate} admits now. */
    Caller find(String token, Function<String, Caller> authenticate) {
        String hash = HexFormat.of().formatHex(SessionTokens.sha256(token));
        long now = System.nanoTime();
        Admitted admitted = byHash.get(hash);
        if (admitted != null && now - admitted.at() < nanos) {
            return admitted.caller();
        }
        Caller caller = authenticate.apply(token);
        if (byHash.size() >= MOST_REMEMBERED) {
            byHash.values().removeIf(old -> now - old.at() >= nanos);
        }
        if (byHash.size() < MOST_REMEMBERED) {
            byHash.put(hash, new Admitted(caller, now));
        }
        return caller;
    }
}
