package dev.skerry.controlplane.file;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.identity.SigningKeys;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.springframework.stereotype.Component;

/** URLs that are themselves the permission to put or get one object: pinned to method, incarnation, size and hash, for minutes. */
@Component
class ObjectUrls {
    private static final String PURPOSE = "object";

    private final SigningKeys keys;
    private final Clock clock;
    private final Duration life;

    ObjectUrls(SigningKeys keys, Clock clock, ControlPlaneSettings settings) {
        this.keys = keys;
        this.clock = clock;
        this.life = settings.limits().url();
    }

    /** A URL relative to the control plane's origin. */
    record ObjectUrl(String url, Instant expiresAt) {}

    /** What a URL claims to permit. */
    record Claim(
            String method,
            String session,
            int incarnation,
            String sha256,
            long size,
            long expires,
            String key,
            String signature) {}

    ObjectUrl issue(String method, Caller caller, String sha256, long size) {
        Instant expiresAt = clock.instant().plus(life).truncatedTo(ChronoUnit.SECONDS);
        String key = keys.current();
        String signature = signature(
                        key, method, caller.session(), caller.incarnation(), sha256, size, expiresAt.getEpochSecond())
                .orElseThrow(() -> new IllegalStateException("The current key is always known."));
        return new ObjectUrl(
                "/sandbox/v1/objects/" + caller.session() + "/" + sha256 + "?incarnation=" + caller.incarnation()
                        + "&size=" + size + "&expires=" + expiresAt.getEpochSecond() + "&key=" + key + "&signature="
                        + signature,
                expiresAt);
    }

    /** Answers who was given the URL, or throws {@link RefusedException}. */
    Caller verify(Claim claim) {
        boolean genuine = signature(
                        claim.key(),
                        claim.method(),
                        claim.session(),
                        claim.incarnation(),
                        claim.sha256(),
                        claim.size(),
                        claim.expires())
                .filter(expected -> MessageDigest.isEqual(
                        expected.getBytes(StandardCharsets.UTF_8),
                        claim.signature().getBytes(StandardCharsets.UTF_8)))
                .isPresent();
        Refusal refusal = new Refusal.Denied("This URL has expired or does not permit this: ask for another one.");
        if (!genuine) {
            throw new RefusedException(refusal);
        }
        if (clock.instant().getEpochSecond() >= claim.expires()) {
            throw RefusedException.of(claim.session(), claim.incarnation(), refusal);
        }
        return new Caller(claim.session(), claim.incarnation());
    }

    private Optional<String> signature(
            String key, String method, String session, int incarnation, String sha256, long size, long expires) {
        return keys.mac(
                key,
                PURPOSE,
                method,
                session,
                Integer.toString(incarnation),
                sha256,
                Long.toString(size),
                Long.toString(expires));
    }
}
