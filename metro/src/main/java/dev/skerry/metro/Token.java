package dev.skerry.metro;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/** A bearer token, compared in constant time. */
final class Token {
    private final byte[] header;

    Token(String secret) {
        this.header = ("Bearer " + secret).getBytes(StandardCharsets.UTF_8);
    }

    boolean matches(@Nullable String authorization) {
        return authorization != null && MessageDigest.isEqual(header, authorization.getBytes(StandardCharsets.UTF_8));
    }
}
