package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.profile.Profile;

/**
 * The answer to hello.
 *
 * @param sessionToken opaque; every call renews its lease
 */
record Welcome(String sessionToken, String sessionId, int incarnation, long leaseSeconds, Profile.View profile) {
    @Override
    public String toString() {
        return "Welcome[session=" + sessionId + ", incarnation=" + incarnation + "]";
    }
}
