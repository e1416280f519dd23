package dev.skerry.controlplane.broker;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Knows which addresses are the public internet's: everything else may be somebody's inside. */
final class AddressGuard {
    private static final List<Block> V4 = blocks(
            "00000000/8",
            "0a000000/8",
            "64400000/10",
            "7f000000/8",
            "a9fe0000/16",
            "ac100000/12",
            "c0000000/24",
            "c0000200/24",
            "c0586300/24",
            "c0a80000/16",
            "c6120000/15",
            "c6336400/24",
            "cb007100/24",
            "e0000000/4",
            "f0000000/4");
    private static final Block GLOBAL_V6 = Block.of("20000000000000000000000000000000/3");
    private static final List<Block> V6 = blocks(
            "20010000000000000000000000000000/23",
            "20010db8000000000000000000000000/32",
            "20020000000000000000000000000000/16",
            "3fff0000000000000000000000000000/20");
    private static final Block NAT64 = Block.of("0064ff9b000000000000000000000000/96");

    private final List<String> allowed;

    /** @param allowed pairs of address and port, such as {@code 10.1.2.3:443}, that are let through all the same */
    AddressGuard(List<String> allowed) {
        this.allowed = List.copyOf(allowed);
    }

    /** Whether a connection to this address may be made. */
    boolean allows(InetAddress address, int port) {
        return isPublic(address) || allowed.contains(address.getHostAddress() + ":" + port);
    }

    static boolean isPublic(InetAddress address) {
        return switch (address) {
            case Inet4Address v4 -> publicV4(v4.getAddress());
            case Inet6Address v6 -> publicV6(v6.getAddress());
            default -> false;
        };
    }

    private static boolean publicV4(byte[] address) {
        return V4.stream().noneMatch(block -> block.holds(address));
    }

    private static boolean publicV6(byte[] address) {
        if (NAT64.holds(address)) {
            return publicV4(Arrays.copyOfRange(address, 12, 16));
        }
        return GLOBAL_V6.holds(address) && V6.stream().noneMatch(block -> block.holds(address));
    }

    private static List<Block> blocks(String... texts) {
        return Arrays.stream(texts).map(Block::of).toList();
    }

    private record Block(byte[] base, int bits) {
        static Block of(String text) {
            String[] parts = text.split("/", -1);
            return new Block(HexFormat.of().parseHex(parts[0]), Integer.parseInt(parts[1]));
        }

        boolean holds(byte[] address) {
            if (address.length != base.length) {
                return false;
            }
            int whole = bits / 8;
            int rest = bits % 8;
            return Arrays.equals(base, 0, whole, address, 0, whole)
                    && (rest == 0 || ((base[whole] ^ address[whole]) & 0xff) >> (8 - rest) == 0);
        }
    }
}
