package dev.skerry.metro.qemu;

import java.net.URI;
import java.util.Optional;

/**
 * The one address that a micro-VM can reach.
 *
 * <p>Inside, it is always {@link #GUEST_ADDRESS}. A URL in the environment that names the door by a number, such as the loopback address
 * of this machine, is told with that address instead; one that names it by a host name stays, since the guest's hosts file knows the name.
 *
 * @param host name or address of what the door leads to, as this machine reaches it
 * @param port the same on both sides
 */
public record Door(String host, int port) {
    static final String GUEST_ADDRESS = "10.0.2.100";
    private static final int HIGHEST_PORT = 65_535;

    public Door {
        if (!host.matches("[A-Za-z0-9.:-]+") || host.startsWith("-")) {
            throw new IllegalArgumentException("not a host for the door of micro-VMs: " + host);
        }
        if (port < 1 || port > HIGHEST_PORT) {
            throw new IllegalArgumentException("not a port for the door of micro-VMs: " + port);
        }
    }

    /** The name that the guest's hosts file must know; empty when the door is named by a number. */
    Optional<String> name() {
        boolean number = host.contains(":") || host.matches("[0-9.]+") || host.equalsIgnoreCase("localhost");
        return number ? Optional.empty() : Optional.of(host);
    }

    /** The value of a variable as the guest must see it. */
    String seenFromInside(String value) {
        if (name().isPresent() || !value.matches("https?://.*")) {
            return value;
        }
        try {
            URI uri = URI.create(value);
            int named = uri.getPort() >= 0 ? uri.getPort() : value.startsWith("https:") ? 443 : 80;
            if (uri.getHost() == null || named != port || !bare(uri.getHost()).equalsIgnoreCase(bare(host))) {
                return value;
            }
            int rest =
                    value.indexOf(uri.getRawAuthority()) + uri.getRawAuthority().length();
            return uri.getScheme() + "://" + GUEST_ADDRESS + ":" + port + value.substring(rest);
        } catch (IllegalArgumentException e) {
            return value;
        }
    }

    private static String bare(String address) {
        return address.replaceAll("^\\[|]$", "");
    }

    /** What socat must connect to. */
    String socatAddress() {
        return "TCP:" + (host.contains(":") ? "[" + bare(host) + "]" : host) + ":" + port;
    }
}
