package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.credential.ProviderKeys;
import dev.skerry.controlplane.llm.Secret;

/** A provider's key from the store of credentials, as it is at the moment. */
record StoredKey(ProviderKeys keys, String provider) implements Secret {
    @Override
    public String value() {
        return keys.value(provider);
    }

    @Override
    public String where(String otherwise) {
        return "the key that `skerry credentials provider-key " + provider + "` has set";
    }

    @Override
    public String toString() {
        return "***";
    }
}
