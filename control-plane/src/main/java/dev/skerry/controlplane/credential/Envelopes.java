package dev.skerry.controlplane.credential;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneSettings.Keys;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/**
 * AES-256-GCM under the current key; previous keys only open. What a value belongs to is authenticated with it, so that a sealed value
 * that is copied into another row, tenant or name does not open.
 */
@Component
class Envelopes {
    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    private static final String PURPOSE = "skerry credential 1";

    private final @Nullable String current;
    private final Map<String, SecretKeySpec> keys;
    private final SecureRandom random = new SecureRandom();

    @Autowired
    Envelopes(ControlPlaneSettings settings) {
        this(settings.credentials());
    }

    Envelopes(@Nullable Keys configured) {
        this.current = configured == null ? null : configured.current();
        this.keys = configured == null
                ? Map.of()
                : configured.secrets().entrySet().stream()
                        .collect(Collectors.toUnmodifiableMap(
                                Map.Entry::getKey,
                                key -> new SecretKeySpec(Base64.getDecoder().decode(key.getValue()), "AES")));
    }

    /** What a value is bound to. */
    record Bond(String id, String tenant, String name) {
        byte[] with(String keyId) {
            return String.join("\0", PURPOSE, keyId, id, tenant, name).getBytes(StandardCharsets.UTF_8);
        }
    }

    /** A sealed value and what is needed beside a key to open it. */
    record Envelope(String keyId, byte[] nonce, byte[] sealed) {}

    /** Id of the key that seals; empty when none is configured. */
    Optional<String> current() {
        return Optional.ofNullable(current);
    }

    Envelope seal(String value, Bond bond) {
        String keyId = current().orElseThrow(() -> new IllegalStateException("No key seals credentials."));
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            byte[] sealed =
                    cipher(Cipher.ENCRYPT_MODE, keyId, nonce, bond).doFinal(value.getBytes(StandardCharsets.UTF_8));
            return new Envelope(keyId, nonce, sealed);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every JDK has " + CIPHER + ".", e);
        }
    }

    /** Empty when the key is not configured, or when the envelope is not what was sealed for this bond. */
    Optional<String> open(Envelope envelope, Bond bond) {
        if (!keys.containsKey(envelope.keyId())) {
            return Optional.empty();
        }
        try {
            byte[] value = cipher(Cipher.DECRYPT_MODE, envelope.keyId(), envelope.nonce(), bond)
                    .doFinal(envelope.sealed());
            return Optional.of(new String(value, StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            return Optional.empty();
        }
    }

    private Cipher cipher(int mode, String keyId, byte[] nonce, Bond bond) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(CIPHER);
        cipher.init(mode, keys.get(keyId), new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(bond.with(keyId));
        return cipher;
    }
}
