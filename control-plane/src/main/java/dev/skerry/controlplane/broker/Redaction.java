package dev.skerry.controlplane.broker;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Replaces a credential wherever a server repeats it: plain, percent-encoded, in JSON, in hex, or in base64 of whatever surrounds it. */
final class Redaction {
    private static final String PUT_IN_ITS_PLACE = "[credential]";
    private static final int SHORTEST = 4;

    private final List<byte[]> forms;

    Redaction(List<String> secrets) {
        Set<String> texts = new LinkedHashSet<>();
        secrets.forEach(secret -> texts.addAll(forms(secret)));
        this.forms = texts.stream()
                .filter(text -> text.length() >= SHORTEST)
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(text -> text.getBytes(StandardCharsets.UTF_8))
                .toList();
    }

    /** How far beyond a cut bytes must be known, so that no piece of a credential is left before it. */
    int longest() {
        return forms.stream().mapToInt(form -> form.length).max().orElse(0);
    }

    String of(String text) {
        return new String(of(text.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
    }

    byte[] of(byte[] bytes) {
        byte[] clean = bytes;
        for (byte[] form : forms) {
            clean = without(clean, form);
        }
        return clean;
    }

    private static byte[] without(byte[] bytes, byte[] form) {
        ByteArrayOutputStream clean = new ByteArrayOutputStream(bytes.length);
        int at = 0;
        while (at < bytes.length) {
            if (startsWith(bytes, at, form)) {
                clean.writeBytes(PUT_IN_ITS_PLACE.getBytes(StandardCharsets.UTF_8));
                at += form.length;
            } else {
                clean.write(bytes[at++]);
            }
        }
        return clean.toByteArray();
    }

    private static boolean startsWith(byte[] bytes, int at, byte[] form) {
        if (at + form.length > bytes.length) {
            return false;
        }
        for (int i = 0; i < form.length; i++) {
            if (bytes[at + i] != form[i]) {
                return false;
            }
        }
        return true;
    }

    private static List<String> forms(String secret) {
        byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
        List<String> forms = new ArrayList<>(List.of(
                secret,
                URLEncoder.encode(secret, StandardCharsets.UTF_8),
                URLEncoder.encode(secret, StandardCharsets.UTF_8).replace("+", "%20"),
                secret.replace("\\", "\\\\").replace("\"", "\\\"").replace("/", "\\/"),
                secret.replace("\\", "\\\\").replace("\"", "\\\""),
                secret.replace("&", "&amp;")
                        .replace("<", "&lt;")
                        .replace(">", "&gt;")
                        .replace("\"", "&quot;"),
                new StringBuilder(secret).reverse().toString(),
                HexFormat.of().formatHex(bytes),
                HexFormat.of().withUpperCase().formatHex(bytes)));
        for (Base64.Encoder encoder : List.of(Base64.getEncoder(), Base64.getUrlEncoder())) {
            for (int offset = 0; offset < 3; offset++) {
                forms.add(inner(encoder.withoutPadding(), bytes, offset));
            }
        }
        return forms;
    }

    /** The characters of base64 that depend on these bytes alone when {@code offset} others come before, modulo 3. */
    private static String inner(Base64.Encoder encoder, byte[] bytes, int offset) {
        byte[] padded = new byte[offset + bytes.length];
        System.arraycopy(bytes, 0, padded, offset, bytes.length);
        String text = encoder.encodeToString(padded);
        int from = offset == 0 ? 0 : offset + 1;
        int to = padded.length / 3 * 4 + (padded.length % 3 == 0 ? 0 : padded.length % 3);
        return text.substring(from, Math.min(to, text.length()));
    }
}
