package dev.skerry.store.object;

import java.util.regex.Pattern;

/** Names an object; nothing that a sandbox says can lead out of its session's place. */
record ObjectName(String session, String sha256) {
    private static final Pattern SESSION = Pattern.compile("ses_[0-9A-Z]{26}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    ObjectName {
        if (!SESSION.matcher(session).matches() || !SHA256.matcher(sha256).matches()) {
            throw new IllegalArgumentException("An object is named by a session's id and a SHA-256 in lower-case hex.");
        }
    }
}
