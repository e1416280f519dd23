package dev.skerry.api.idempotency;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * A request that has an idempotency key, as a source of ids: a retry makes the same ids and so finds what the first attempt left.
 *
 * @param sha256 of tenant, key and request
 */
public record Origin(byte[] sha256) {
    private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private static final int CHARACTERS = 26;
    private static final int HIGHEST_FIRST = 7;

    static Origin of(String tenant, String key, byte[] request) {
        MessageDigest digest = sha256Digest();
        digest.update(tenant.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
        digest.update(key.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
        return new Origin(digest.digest(request));
    }

    /** A ULID in form, though not in time: 26 characters of Crockford's base 32, other ones for each {@code purpose}. */
    public String id(String purpose) {
        MessageDigest digest = sha256Digest();
        digest.update(sha256);
        byte[] bytes = digest.digest(purpose.getBytes(StandardCharsets.UTF_8));
        bytes[0] &= HIGHEST_FIRST;
        StringBuilder id = new StringBuilder(CHARACTERS);
        for (int i = 0; i < CHARACTERS; i++) {
            id.append(ALPHABET.charAt(bytes[i] & 31));
        }
        return id.toString();
    }

    static MessageDigest sha256Digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
