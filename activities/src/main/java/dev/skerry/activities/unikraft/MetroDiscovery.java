package dev.skerry.activities.unikraft;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.unikraft.UnikraftApi.Item;
import io.micrometer.observation.ObservationRegistry;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import tools.jackson.databind.json.JsonMapper;

/** Asks the platform's control plane which metros there are. */
public final class MetroDiscovery {
    /** Where the hosted platform answers. */
    public static final String PLATFORM = "https://controlplane.unikraft.cloud";

    private static final String CODE = "[a-z0-9][a-z0-9-]{0,31}";

    private MetroDiscovery() {}

    /** A metro that was found. */
    public record Found(String code, String url) {}

    /**
     * The account's metros, in the platform's order.
     *
     * @throws ProviderException with what to do instead; an answer that is not to be trusted with the token is refused as a whole
     */
    public static List<Found> find(String url, String token, JsonMapper mapper) throws ProviderException {
        UnikraftApi api = new UnikraftApi(
                new UnikraftSettings("discovery at " + url, url, token, "", 0, 0, Duration.ZERO),
                mapper,
                ObservationRegistry.NOOP);
        List<Found> found = new ArrayList<>();
        Set<String> codes = new LinkedHashSet<>();
        for (Item item : api.items("metros", "metros", "GET", "metros", null)) {
            String code = item.json().path("iata_code").asString("").toLowerCase(Locale.ROOT);
            String endpoint = item.json().path("endpoint").asString("");
            if (!code.matches(CODE) || !codes.add(code)) {
                throw untrusted(url, "names a metro '" + code + "' that cannot be one, or names it twice");
            }
            if (!safe(endpoint, url)) {
                throw untrusted(url, "gives metro " + code + " an address to which a token must not be sent");
            }
            found.add(new Found(code, endpoint));
        }
        if (found.isEmpty()) {
            throw untrusted(url, "knows no metro");
        }
        return found;
    }

    /** A token that travels encrypted to the discovery must not leave it in the clear. */
    private static boolean safe(String endpoint, String discovery) {
        try {
            URI uri = URI.create(endpoint);
            boolean plain = "http".equals(uri.getScheme()) && discovery.startsWith("http:");
            return uri.getHost() != null && uri.getRawUserInfo() == null && (plain || "https".equals(uri.getScheme()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static ProviderException untrusted(String url, String what) {
        return new ProviderException.Rejected(
                "The discovery at " + url + " " + what + ". Correct its address, or configure the metros one by one.");
    }
}
