package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.ControlPlaneSettings;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.stereotype.Component;

/** Derives every token and signature: HMAC-SHA256 under the current key; previous keys only verify. */
@Component
public class SigningKeys {
    private static final String ALGORITHM = "HmacSHA256";

    private final String current;
    private final Map<String, SecretKeySpec> keys;

    SigningKeys(ControlPlaneSettings settings) {
        this.current = settings.keys().current();
        this.keys = settings.keys().secrets().entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(
                        Map.Entry::getKey,
                        entry -> new SecretKeySpec(Base64.getDecoder().decode(entry.getValue()), ALGORITHM)));
    }

    /** Id of the key that signs. */
    public String current() {
        return current;
    }

    Set<String> ids() {
        return keys.keySet();
    }

    /** 256 bits that only a holder of the key can make, in base64 without padding; empty when the key is not known. */
    public Optional<String> mac(String keyId, String purpose, String... parts) {
        SecretKeySpec key = keys.get(keyId);
        if (key == null) {
            return Optional.empty();
        }
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(purpose.getBytes(StandardCharsets.UTF_8));
            for (String part : parts) {
                mac.update((byte) 0);
                mac.update(part.getBytes(StandardCharsets.UTF_8));
            }
            return Optional.of(Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every JDK has " + ALGORITHM + ".", e);
        }
    }
}
