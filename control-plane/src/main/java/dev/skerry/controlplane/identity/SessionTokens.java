package dev.skerry.controlplane.identity;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** Session tokens: derived from the caller's nonce, so that a lost answer can be given again; stored as SHA-256. */
@Component
class SessionTokens {
    private static final String PURPOSE = "session";

    private final SigningKeys keys;

    SessionTokens(SigningKeys keys) {
        this.keys = keys;
    }

    String derive(String session, int incarnation, String nonce) {
        return derive(keys.current(), session, incarnation, nonce)
                .orElseThrow(() -> new IllegalStateException("The current key is always known."));
    }

    /** The token that was derived for this nonce when the stored hash was made, under whichever key that was. */
    Optional<String> again(String session, int incarnation, String nonce, byte[] storedSha256) {
        return keys.ids().stream()
                .flatMap(key -> derive(key, session, incarnation, nonce).stream())
                .filter(token -> MessageDigest.isEqual(sha256(token), storedSha256))
                .findFirst();
    }

    private Optional<String> derive(String key, String session, int incarnation, String nonce) {
        return keys.mac(key, PURPOSE, session, Integer.toString(incarnation), nonce);
    }

    static byte[] sha256(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256.", e);
        }
    }
}
