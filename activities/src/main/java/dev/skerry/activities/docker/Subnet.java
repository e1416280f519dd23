package dev.skerry.activities.docker;

import java.net.InetAddress;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Eight addresses of a sandbox's own network: the bridge's, which nothing answers, the door's and the sandbox's.
 *
 * @param first as a number
 */
record Subnet(int first) {
    private static final int PREFIX = 29;
    private static final int SIZE = 1 << (32 - PREFIX);
    private static final int LEAST_PREFIX = 8;

    /** The part of a range with the given number, counted round. */
    static Subnet of(String range, int number) {
        String[] parts = range.split("/", -1);
        int prefix = parts.length == 2 && parts[1].matches("\\d{1,2}") ? Integer.parseInt(parts[1]) : -1;
        if (prefix < LEAST_PREFIX || prefix > PREFIX) {
            throw new IllegalArgumentException(
                    "The subnets " + range + " are not an address range such as " + DockerSettings.SUBNETS + ".");
        }
        int count = 1 << (PREFIX - prefix);
        int base = number(parts[0]) & (-1 << (32 - prefix));
        return new Subnet(base + Math.floorMod(number, count) * SIZE);
    }

    /** The network whose range is written {@code a.b.c.d/29}. */
    static Subnet parse(String cidr) {
        return new Subnet(number(cidr.split("/", -1)[0]));
    }

    /** Whether all of it lies in the other range; false for one that is not written {@code a.b.c.d/n}. */
    boolean isWithin(@Nullable String cidr) {
        if (cidr == null || !cidr.matches("[0-9.]+/[0-9]{1,2}")) {
            return false;
        }
        String[] parts = cidr.split("/", -1);
        int prefix = Integer.parseInt(parts[1]);
        int mask = prefix == 0 ? 0 : -1 << (32 - prefix);
        return (first & mask) == (number(parts[0]) & mask);
    }

    /** Whether it is one of the eight addresses. */
    boolean holds(InetAddress address) {
        return isWithin(address.getHostAddress() + "/" + PREFIX);
    }

    String cidr() {
        return text(first) + "/" + PREFIX;
    }

    String bridge() {
        return text(first + 1);
    }

    String door() {
        return text(first + 2);
    }

    String sandbox() {
        return text(first + 3);
    }

    private static int number(String address) {
        String[] parts = address.split("\\.", -1);
        if (parts.length != 4) {
            throw new IllegalArgumentException(address + " is not an IPv4 address.");
        }
        int number = 0;
        for (String part : parts) {
            int octet = Integer.parseInt(Objects.requireNonNull(part));
            if (octet < 0 || octet > 255) {
                throw new IllegalArgumentException(address + " is not an IPv4 address.");
            }
            number = number << 8 | octet;
        }
        return number;
    }

    private static String text(int number) {
        return (number >>> 24) + "." + (number >>> 16 & 255) + "." + (number >>> 8 & 255) + "." + (number & 255);
    }
}
