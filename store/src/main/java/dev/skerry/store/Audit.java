package dev.skerry.store;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/**
 * The append-only record of what was done on whose behalf. Each entry's hash covers the one before it, so that nothing can be changed,
 * removed or put in between without every later hash telling.
 *
 * <p>A chain is named by a session's id, by {@code tenant:} and a tenant's id, or {@code platform}.
 */
@Repository
public class Audit {
    public static final String PLATFORM = "platform";

    private static final String GENESIS = "skerry audit 1\n";

    private final JdbcClient jdbc;

    Audit(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** One entry; {@code data} is a JSON object without line breaks, {@code atMicros} counts from 1970. */
    public record Entry(String chain, long seq, long atMicros, String kind, String data, byte[] hash) {}

    /** How far a chain has come. */
    public record Head(String chain, long seq, byte[] hash) {}

    public static String tenant(String tenantId) {
        return "tenant:" + tenantId;
    }

    /**
     * Common table expressions that append to the chains that {@code source} names in its column {@code chain}; they take the parameters
     * of {@link #parameters}.
     */
    static String appending(String source) {
        return """
                head as (
                    insert into audit_heads as h (chain, seq, hash)
                    select chain, 1, sha256(sha256(convert_to(:genesis || chain, 'UTF8'))
                        || convert_to(concat_ws(E'\\n', 1::bigint, :at::bigint, :kind::text, :kept::text), 'UTF8'))
                    from %s
                    on conflict (chain) do update set seq = h.seq + 1,
                        hash = sha256(h.hash
                            || convert_to(concat_ws(E'\\n', h.seq + 1, :at::bigint, :kind::text, :kept::text), 'UTF8'))
                    returning chain, seq, hash),
                audited as (
                    insert into audit (chain, seq, at_micros, kind, data, hash)
                    select chain, seq, :at, :kind, :kept, hash from head returning seq)""".formatted(source);
    }

    static Map<String, Object> parameters(String kind, String data) {
        return Map.of(
                "genesis",
                GENESIS,
                "at",
                ChronoUnit.MICROS.between(Instant.EPOCH, Clock.systemUTC().instant()),
                "kind",
                kind,
                "kept",
                data);
    }

    /** Appends, in the surrounding transaction if there is one; answers the entry's number. */
    public long append(String chain, String kind, String data) {
        return jdbc.sql("with " + appending("(values (:chain)) named (chain)") + " select seq from audited")
                .param("chain", chain)
                .params(parameters(kind, data))
                .query(Long.class)
                .single();
    }

    /** Oldest first, after {@code seq}, at most {@code limit}. */
    public List<Entry> list(String chain, long afterSeq, int limit) {
        return jdbc.sql("select * from audit where chain = :chain and seq > :after order by seq limit :limit")
                .param("chain", chain)
                .param("after", afterSeq)
                .param("limit", limit)
                .query((row, n) -> new Entry(
                        row.getString("chain"),
                        row.getLong("seq"),
                        row.getLong("at_micros"),
                        row.getString("kind"),
                        row.getString("data"),
                        row.getBytes("hash")))
                .list();
    }

    /** By name, after {@code chain}, at most {@code limit}. */
    public List<Head> heads(String afterChain, int limit) {
        return jdbc.sql("select * from audit_heads where chain > :after order by chain limit :limit")
                .param("after", afterChain)
                .param("limit", limit)
                .query((row, n) -> new Head(row.getString("chain"), row.getLong("seq"), row.getBytes("hash")))
                .list();
    }

    /** What the hash of a chain's first entry covers beside that entry. */
    public static byte[] genesis(String chain) {
        return sha256((GENESIS + chain).getBytes(StandardCharsets.UTF_8));
    }

    /** The hash that an entry must have after one with the hash {@code before}. */
    public static byte[] hash(byte[] before, long seq, long atMicros, String kind, String data) {
        ByteArrayOutputStream covered = new ByteArrayOutputStream();
        covered.writeBytes(before);
        covered.writeBytes((seq + "\n" + atMicros + "\n" + kind + "\n" + data).getBytes(StandardCharsets.UTF_8));
        return sha256(covered.toByteArray());
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256.", e);
        }
    }
}
