package dev.skerry.store;

import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Tenants and their API keys; a key is stored only as its SHA-256. */
@Repository
public class ApiKeys {
    private final JdbcClient jdbc;

    ApiKeys(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** The tenant whose key, not revoked, has this hash. */
    public Optional<String> tenantOf(byte[] secretSha256) {
        return jdbc.sql("select tenant_id from api_keys where secret_sha256 = :secret and revoked_at is null")
                .param("secret", secretSha256)
                .query(String.class)
                .optional();
    }

    public void ensureTenant(String id, String name) {
        jdbc.sql("insert into tenants (id, name) values (:id, :name) on conflict (id) do nothing")
                .param("id", id)
                .param("name", name)
                .update();
    }

    /** Idempotent, also for servers that start together; the id must follow from the hash. */
    public void ensureKey(String id, String tenantId, String name, byte[] secretSha256) {
        jdbc.sql(
                        "insert into api_keys (id, tenant_id, name, secret_sha256) values (:id, :tenant, :name, :secret) on conflict do nothing")
                .param("id", id)
                .param("tenant", tenantId)
                .param("name", name)
                .param("secret", secretSha256)
                .update();
    }
}
