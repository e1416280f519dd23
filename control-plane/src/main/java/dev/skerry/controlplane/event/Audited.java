package dev.skerry.controlplane.event;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the audit log keeps of an event: numbers, flags and short names as they are, and of everything together a hash. What people,
 * models and sandboxes said is in the event alone.
 */
final class Audited {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9 ./_:@*(){}-]{1,200}");
    private static final Set<String> CLAIMED = Set.of("tool.started", "tool.output", "tool.finished", "sandbox.log");
    private static final Set<String> SAID =
            Set.of("result", "message", "text", "detail", "title", "summary", "content");

    private Audited() {}

    /** False for what is only a sandbox's own word about itself. */
    static boolean wants(String type) {
        return !CLAIMED.contains(type);
    }

    static Map<String, @Nullable Object> of(
            @Nullable String turn,
            @Nullable Integer incarnation,
            Map<String, ? extends @Nullable Object> data,
            String text) {
        Map<String, @Nullable Object> kept = new LinkedHashMap<>();
        if (turn != null) {
            kept.put("turn", turn);
        }
        if (incarnation != null) {
            kept.put("incarnation", incarnation);
        }
        data.forEach((name, value) -> {
            if (value instanceof Number
                    || value instanceof Boolean
                    || (value instanceof String said
                            && !SAID.contains(name)
                            && NAME.matcher(said).matches())) {
                kept.put(name, value);
            }
        });
        kept.put("sha256", sha256(text));
        return kept;
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256.", e);
        }
    }
}
