package dev.skerry.store;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Sealed credentials of tenants; what opens them is not in this database. */
@Repository
public class Credentials {
    private final JdbcClient jdbc;

    Credentials(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * One credential.
     *
     * @param injection JSON: how it is put into a request
     * @param rules JSON array: what it may be used for
     */
    public record CredentialRow(
            String id,
            String tenantId,
            String name,
            String keyId,
            byte[] nonce,
            byte[] sealed,
            String injection,
            String rules,
            Instant updatedAt) {
        static CredentialRow from(ResultSet row, int ignored) throws SQLException {
            return new CredentialRow(
                    row.getString("id"),
                    row.getString("tenant_id"),
                    row.getString("name"),
                    row.getString("key_id"),
                    row.getBytes("nonce"),
                    row.getBytes("sealed"),
                    row.getString("injection"),
                    row.getString("rules"),
                    Columns.instant(row, "updated_at"));
        }

        @Override
        public String toString() {
            return "CredentialRow[tenant=" + tenantId + ", name=" + name + "]";
        }
    }

    /** Puts a credential in the place of the one with this tenant and name, if there is one; ids do not live on. */
    public void put(CredentialRow row) {
        jdbc.sql("""
                        insert into credentials (id, tenant_id, name, key_id, nonce, sealed, injection, rules)
                        values (:id, :tenant, :name, :key, :nonce, :sealed, :injection::jsonb, :rules::jsonb)
                        on conflict (tenant_id, name) do update set id = :id, key_id = :key, nonce = :nonce, sealed = :sealed,
                            injection = :injection::jsonb, rules = :rules::jsonb, updated_at = now()""")
                .param("id", row.id())
                .param("tenant", row.tenantId())
                .param("name", row.name())
                .param("key", row.keyId())
                .param("nonce", row.nonce())
                .param("sealed", row.sealed())
                .param("injection", row.injection())
                .param("rules", row.rules())
                .update();
    }

    /** Answers false when the row has changed since it was read. */
    public boolean reseal(CredentialRow row, String keyId, byte[] nonce, byte[] sealed) {
        return jdbc.sql("""
                        update credentials set key_id = :key, nonce = :nonce, sealed = :sealed
                        where id = :id and key_id = :before""")
                        .param("id", row.id())
                        .param("before", row.keyId())
                        .param("key", keyId)
                        .param("nonce", nonce)
                        .param("sealed", sealed)
                        .update()
                == 1;
    }

    public Optional<CredentialRow> find(String tenantId, String name) {
        return jdbc.sql("select * from credentials where tenant_id = :tenant and name = :name")
                .param("tenant", tenantId)
                .param("name", name)
                .query(CredentialRow::from)
                .optional();
    }

    public List<CredentialRow> list(String tenantId) {
        return jdbc.sql("select * from credentials where tenant_id = :tenant order by name")
                .param("tenant", tenantId)
                .query(CredentialRow::from)
                .list();
    }

    /** Those that were sealed with another key than this. */
    public List<CredentialRow> notSealedWith(String keyId) {
        return jdbc.sql("select * from credentials where key_id <> :key order by id")
                .param("key", keyId)
                .query(CredentialRow::from)
                .list();
    }

    /** Answers false when there was none. */
    public boolean delete(String tenantId, String name) {
        return jdbc.sql("delete from credentials where tenant_id = :tenant and name = :name")
                        .param("tenant", tenantId)
                        .param("name", name)
                        .update()
                == 1;
    }
}
