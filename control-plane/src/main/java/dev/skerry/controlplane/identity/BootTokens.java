package dev.skerry.controlplane.identity;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.stereotype.Component;

/** The secret that enters a sandbox when it boots: derived, so that a retried create hands out the same one; stored nowhere. */
@Component
public class BootTokens {
    private static final String PURPOSE = "boot";
    private static final Pattern FORM =
            Pattern.compile("skb1\\.([a-z0-9]{1,16})\\.(ses_[0-9A-Z]{26})\\.([1-9][0-9]{0,8})\\.([A-Za-z0-9_-]{43})");

    private final SigningKeys keys;

    BootTokens(SigningKeys keys) {
        this.keys = keys;
    }

    /** What a genuine boot token says. */
    record Boot(String session, int incarnation) {}

    public String issue(String session, int incarnation) {
        String key = keys.current();
        String mac = keys.mac(key, PURPOSE, session, Integer.toString(incarnation))
                .orElseThrow(() -> new IllegalStateException("The current key is always known."));
        return "skb1." + key + "." + session + "." + incarnation + "." + mac;
    }

    Optional<Boot> read(String token) {
        Matcher form = FORM.matcher(token);
        if (!form.matches()) {
            return Optional.empty();
        }
        byte[] presented = form.group(4).getBytes(StandardCharsets.UTF_8);
        return keys.mac(form.group(1), PURPOSE, form.group(2), form.group(3))
                .filter(mac -> MessageDigest.isEqual(mac.getBytes(StandardCharsets.UTF_8), presented))
                .map(genuine -> new Boot(form.group(2), Integer.parseInt(form.group(3))));
    }
}
