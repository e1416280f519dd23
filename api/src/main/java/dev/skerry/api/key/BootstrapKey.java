package dev.skerry.api.key;

import dev.skerry.api.ApiSettings;
import dev.skerry.store.ApiKeys;
import jakarta.annotation.PostConstruct;
import java.util.HexFormat;
import org.springframework.stereotype.Component;

/** Makes the configured key valid before the first request, so that a fresh installation has a way in. */
@Component
class BootstrapKey {
    private static final String TENANT = "ten_default";
    private static final int ID_DIGITS = 26;

    private final ApiSettings settings;
    private final ApiKeys keys;

    BootstrapKey(ApiSettings settings, ApiKeys keys) {
        this.settings = settings;
        this.keys = keys;
    }

    @PostConstruct
    void ensure() {
        String configured = settings.bootstrapKey();
        if (configured == null || configured.isBlank()) {
            return;
        }
        ApiKey key = ApiKey.parse(configured.strip())
                .orElseThrow(() -> new IllegalStateException(
                        "skerry.api.bootstrap-key is not an API key: its form or its checksum is wrong."));
        byte[] hash = key.sha256();
        keys.ensureTenant(TENANT, "Default");
        keys.ensureKey("key_" + HexFormat.of().formatHex(hash).substring(0, ID_DIGITS), TENANT, "bootstrap", hash);
    }
}
