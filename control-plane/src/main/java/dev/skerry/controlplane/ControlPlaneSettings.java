package dev.skerry.controlplane;

import dev.skerry.store.object.S3Settings;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * How this control plane is set up; checked when it starts.
 *
 * @param sandboxUrl where sandboxes reach this process, told to them as {@code CONTROL_PLANE_URL}; by default the loopback address and
 *     the port of the sandbox listener
 * @param internal the listener for workers
 * @param keys what tokens and URLs are derived from
 * @param lease how long a sandbox may be silent before its token stops to count, at least 5 seconds
 * @param credentials what tenants' credentials are sealed with; without it none can be kept
 * @param operator who may keep credentials, stop sessions and read the audit log
 * @param http what may be requested on behalf of sandboxes
 * @param files where the bytes of workspaces are kept
 * @param limits what one session may use
 * @param requiredProbes ids of the probes whose failure or absence keeps a sandbox from ever getting a turn
 * @param production refuses sandboxes that are only processes of their host
 * @param drainNotice how long a process that is about to stop goes on to refuse new calls before it stops to listen: as long as a balancer
 *     takes to see that it is not ready, at most 20 seconds
 */
@ConfigurationProperties("skerry.control-plane")
public record ControlPlaneSettings(
        @Nullable URI sandboxUrl,
        Internal internal,
        Keys keys,
        @Nullable Keys credentials,
        @DefaultValue Operator operator,
        @DefaultValue Http http,
        @DefaultValue("60s") Duration lease,
        Files files,
        @DefaultValue Limits limits,

        @DefaultValue({
            "P01", "P02", "P03", "P04", "P05", "P06", "P07", "P08", "P09", "S01", "S02", "S03", "S04", "S05", "S07",
            "S08", "F01", "F05", "N01"
        })
        List<String> requiredProbes,

        @DefaultValue("false") boolean production,
        @DefaultValue("0s") Duration drainNotice) {
    private static final Duration SHORTEST_LEASE = Duration.ofSeconds(5);
    private static final Duration LONGEST_NOTICE = Duration.ofSeconds(20);

    public ControlPlaneSettings {
        demand(
                internal != null,
                "Set skerry.control-plane.internal.token to a secret of at least 16 characters that workers share.");
        demand(
                keys != null,
                "Set skerry.control-plane.keys.current to a key id and skerry.control-plane.keys.secrets.<id> to 32 random bytes in base64.");
        demand(
                files != null,
                "Set skerry.control-plane.files.directory to a directory that this process may write and the API may read.");
        demand(lease.compareTo(SHORTEST_LEASE) >= 0, "skerry.control-plane.lease must be at least 5s.");
        demand(
                drainNotice.compareTo(LONGEST_NOTICE) <= 0 && !drainNotice.isNegative(),
                "skerry.control-plane.drain-notice must be from 0s to 20s.");
        requiredProbes = List.copyOf(requiredProbes);
    }

    /**
     * The listener for workers; never let a sandbox's network reach it.
     *
     * @param address what it binds to
     * @param port 0 chooses a free one
     * @param token what workers present
     */
    public record Internal(
            @DefaultValue("127.0.0.1") String address,
            @DefaultValue("7072") int port,
            @DefaultValue("") String token) {
        private static final int SHORTEST_TOKEN = 16;

        public Internal {
            demand(
                    token.length() >= SHORTEST_TOKEN,
                    "Set skerry.control-plane.internal.token to a secret of at least 16 characters that workers share.");
        }

        @Override
        public String toString() {
            return "Internal[address=" + address + ", port=" + port + "]";
        }
    }

    /**
     * Operators' calls on the internal listener.
     *
     * @param token what they present; when it is empty there are no such calls
     */
    public record Operator(@DefaultValue("") String token) {
        private static final int SHORTEST_TOKEN = 16;

        public Operator {
            demand(
                    token.isEmpty() || token.length() >= SHORTEST_TOKEN,
                    "skerry.control-plane.operator.token must be a secret of at least 16 characters, or empty.");
        }

        @Override
        public String toString() {
            return "Operator[" + (token.isEmpty() ? "off" : "on") + "]";
        }
    }

    /**
     * What may be requested on behalf of sandboxes.
     *
     * @param allow rules for requests without a credential, such as {@code GET https://docs.example.com/*}; none by default
     * @param allowPrivate addresses with ports, such as {@code 10.1.2.3:443}, that may be called although they are not on the public
     *     internet; none by default
     */
    public record Http(
            @DefaultValue List<String> allow, @DefaultValue List<String> allowPrivate) {
        public Http {
            allow = List.copyOf(allow);
            allowPrivate = List.copyOf(allowPrivate);
        }
    }

    /**
     * What tokens and URLs are derived from. To rotate: add a key, make it current, and remove the old one when the sandboxes that were
     * booted with it are gone.
     *
     * @param current id of the key that signs
     * @param secrets 32 bytes in base64 by key id; all of them verify
     */
    public record Keys(
            @DefaultValue("") String current, @DefaultValue Map<String, String> secrets) {
        private static final Pattern ID = Pattern.compile("[a-z0-9]{1,16}");
        private static final int BYTES = 32;

        public Keys {
            demand(
                    secrets.containsKey(current),
                    "skerry.control-plane.keys.current must be the id of one of skerry.control-plane.keys.secrets.");
            secrets.forEach((id, secret) -> {
                demand(
                        ID.matcher(id).matches(),
                        "A key id in skerry.control-plane.keys.secrets is 1 to 16 lower-case letters and digits.");
                demand(
                        decodes(secret),
                        "skerry.control-plane.keys.secrets." + id + " must be 32 random bytes in base64.");
            });
            secrets = Map.copyOf(secrets);
        }

        private static boolean decodes(String secret) {
            try {
                return Base64.getDecoder().decode(secret).length == BYTES;
            } catch (IllegalArgumentException e) {
                return false;
            }
        }

        @Override
        public String toString() {
            return "Keys[current=" + current + ", ids=" + secrets.keySet() + "]";
        }
    }

    /**
     * Where the bytes of workspaces are kept.
     *
     * @param directory created when it is absent; not used when there is a bucket
     * @param s3 a bucket instead of a directory
     * @param direct gives sandboxes URLs of the bucket, so that bytes do not pass through this process; their network must allow it
     */
    public record Files(
            @Nullable Path directory,
            @Nullable S3Settings s3,
            @DefaultValue("false") boolean direct) {
        public Files {
            demand(
                    directory != null || s3 != null,
                    "Set skerry.control-plane.files.directory to a directory that this process may write and the API may read.");
            demand(
                    !direct || s3 != null,
                    "skerry.control-plane.files.direct needs skerry.control-plane.files.s3.bucket.");
        }

        /** The configured directory. */
        public Path root() {
            return java.util.Objects.requireNonNull(directory);
        }
    }

    /**
     * Every bound of the sandbox listener, in one place; {@code docs/limits.md} says what happens at each.
     *
     * @param headers of a request, its first line included
     * @param headerTime from a request's first byte to the end of its headers
     * @param bodyTime from the end of the headers to the end of a body that is not a file
     * @param fileTime the same for the bytes of a file
     * @param readTime the longest silence in the middle of a request
     * @param keepAlive the longest silence between two requests of a connection
     * @param connections open at once, on each listener
     * @param waiters polls that wait at once, in this process
     * @param requests of one session that are served at once, by this process
     * @param sessionRate calls of one session a second, on average, by this process; ten times as many at once
     * @param tenantRate calls of one tenant a second, on average, by this process; ten times as many at once
     * @param body of a request other than a file
     * @param file one file of a workspace
     * @param workspace everything that is stored of a session's files, all versions
     * @param files how many files a workspace has
     * @param versions of a workspace that are kept
     * @param events how many events one incarnation sends
     * @param modelCall how long one model call takes at most, retries included
     * @param url how long a URL to upload or download bytes is good for
     * @param httpTime of one brokered request, from looking up its host to the last byte that is read
     * @param httpRequest bytes of a brokered request's body
     * @param httpAnswer bytes that are read of what it is answered, unpacked
     * @param httpRate brokered requests of one session a minute, counted in the store
     */
    public record Limits(
            @DefaultValue("16KB") DataSize headers,
            @DefaultValue("10s") Duration headerTime,
            @DefaultValue("60s") Duration bodyTime,
            @DefaultValue("30m") Duration fileTime,
            @DefaultValue("20s") Duration readTime,
            @DefaultValue("75s") Duration keepAlive,
            @DefaultValue("20000") int connections,
            @DefaultValue("10000") int waiters,
            @DefaultValue("16") int requests,
            @DefaultValue("100") int sessionRate,
            @DefaultValue("2000") int tenantRate,
            @DefaultValue("4MB") DataSize body,
            @DefaultValue("256MB") DataSize file,
            @DefaultValue("2GB") DataSize workspace,
            @DefaultValue("10000") int files,
            @DefaultValue("100") int versions,
            @DefaultValue("100000") int events,
            @DefaultValue("10m") Duration modelCall,
            @DefaultValue("10m") Duration url,
            @DefaultValue("60s") Duration httpTime,
            @DefaultValue("1MB") DataSize httpRequest,
            @DefaultValue("1MB") DataSize httpAnswer,
            @DefaultValue("60") int httpRate) {}

    private static void demand(boolean met, String otherwise) {
        if (!met) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
