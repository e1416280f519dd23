package dev.skerry.controlplane.credential;

import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.ApiKeys;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * Model providers' keys, kept sealed like credentials, for a tenant that has no sessions and by no rule, so that no brokered request can
 * use one. Each is read anew every few seconds: one that is replaced counts everywhere without a restart.
 */
@Component
public class ProviderKeys {
    private static final Logger log = LoggerFactory.getLogger(ProviderKeys.class);
    private static final String TENANT = "ten_platform";
    private static final String NONE = "no-key-is-stored";
    private static final long FRESH = Duration.ofSeconds(3).toNanos();

    private final Vault vault;
    private final ApiKeys tenants;
    private final Map<String, Read> read = new ConcurrentHashMap<>();

    ProviderKeys(Vault vault, ApiKeys tenants) {
        this.vault = vault;
        this.tenants = tenants;
    }

    private record Read(String value, long at) {
        @Override
        public String toString() {
            return "Read[]";
        }
    }

    public void put(String provider, String value) {
        tenants.ensureTenant(TENANT, "Platform");
        vault.put(TENANT, name(provider), value, new Injection.Header("Authorization", "Bearer "), List.of());
    }

    /** Reads a key anew when it is next asked for. */
    public void forget(String provider) {
        read.remove(provider);
    }

    /** The key, or something that the provider will refuse; the last one that was read while the store is away. */
    public String value(String provider) {
        Read before = read.get(provider);
        if (before != null && System.nanoTime() - before.at() < FRESH) {
            return before.value();
        }
        try {
            String value =
                    vault.open(TENANT, name(provider)).map(Credential::value).orElse(NONE);
            read.put(provider, new Read(value, System.nanoTime()));
            return value;
        } catch (DataAccessException | TransactionException | RefusedException e) {
            log.warn("the key of the model provider {} could not be read: {}", provider, e.toString());
            return before == null ? NONE : before.value();
        }
    }

    private static String name(String provider) {
        return "provider-" + provider;
    }
}
