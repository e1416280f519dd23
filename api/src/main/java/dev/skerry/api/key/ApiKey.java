package dev.skerry.api.key;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * An API key: {@code sk_skerry_}, 32 random bytes and a CRC-32, both in base 62.
 *
 * <p>The checksum tells a typing error or a scanner's find from a key without a look into the store; it protects nothing.
 */
public final class ApiKey {
    private static final String PREFIX = "sk_skerry_";
    private static final String DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final BigInteger BASE = BigInteger.valueOf(DIGITS.length());
    private static final int SECRET_BYTES = 32;
    private static final int SECRET_DIGITS = 43;
    private static final int CHECKSUM_DIGITS = 6;
    private static final Pattern FORM =
            Pattern.compile(PREFIX + "[0-9A-Za-z]{" + (SECRET_DIGITS + CHECKSUM_DIGITS) + "}");

    private final String text;

    private ApiKey(String text) {
        this.text = text;
    }

    public static ApiKey generate(SecureRandom random) {
        byte[] secret = new byte[SECRET_BYTES];
        random.nextBytes(secret);
        String body = PREFIX + base62(new BigInteger(1, secret), SECRET_DIGITS);
        return new ApiKey(body + checksum(body));
    }

    /** Empty when the text cannot be a key. */
    public static Optional<ApiKey> parse(String text) {
        if (!FORM.matcher(text).matches()) {
            return Optional.empty();
        }
        int end = text.length() - CHECKSUM_DIGITS;
        return text.substring(end).equals(checksum(text.substring(0, end)))
                ? Optional.of(new ApiKey(text))
                : Optional.empty();
    }

    /** The whole key: show it once, store it never. */
    public String reveal() {
        return text;
    }

    /** What the store keeps. A fast hash is enough for 256 random bits. */
    public byte[] sha256() {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String toString() {
        return PREFIX + "...";
    }

    private static String checksum(String body) {
        CRC32 crc = new CRC32();
        crc.update(body.getBytes(StandardCharsets.US_ASCII));
        return base62(BigInteger.valueOf(crc.getValue()), CHECKSUM_DIGITS);
    }

    private static String base62(BigInteger number, int width) {
        char[] digits = new char[width];
        BigInteger rest = number;
        for (int i = width - 1; i >= 0; i--) {
            BigInteger[] split = rest.divideAndRemainder(BASE);
            digits[i] = DIGITS.charAt(split[1].intValue());
            rest = split[0];
        }
        return new String(digits);
    }
}
