package dev.skerry.api.key;

import dev.skerry.store.ApiKeys;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** Finds the tenant of a key; what was found is believed for half a minute, which is how long a revoked key may live on. */
@Component
class KeyRing {
    private static final Duration BELIEVED = Duration.ofSeconds(30);
    private static final int LIMIT = 10_000;

    private final ApiKeys keys;
    private final Clock clock;
    private final Map<String, Found> found = new ConcurrentHashMap<>();

    KeyRing(ApiKeys keys, Clock clock) {
        this.keys = keys;
        this.clock = clock;
    }

    private record Found(Tenant tenant, Instant until) {}

    Optional<Tenant> tenantOf(ApiKey key) {
        byte[] hash = key.sha256();
        String name = HexFormat.of().formatHex(hash);
        Instant now = clock.instant();
        Found before = found.get(name);
        if (before != null && now.isBefore(before.until())) {
            return Optional.of(before.tenant());
        }
        Optional<Tenant> tenant = keys.tenantOf(hash).map(Tenant::new);
        if (found.size() >= LIMIT) {
            found.clear();
        }
        tenant.ifPresentOrElse(
                present -> found.put(name, new Found(present, now.plus(BELIEVED))), () -> found.remove(name));
        return tenant;
    }
}
