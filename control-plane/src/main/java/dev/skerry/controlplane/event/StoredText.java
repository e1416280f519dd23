package dev.skerry.controlplane.event;

/** Makes text from outside fit to be stored: bounded, and without the one character that Postgres cannot hold. */
public final class StoredText {
    private static final String CUT = "\n[cut]";

    private StoredText() {}

    /** At most {@code longest} characters and a mark that says it was cut. */
    public static String of(String text, int longest) {
        String clean = text.indexOf('\0') < 0 ? text : text.replace('\0', '\uFFFD');
        if (clean.length() <= longest) {
            return clean;
        }
        int end = Character.isHighSurrogate(clean.charAt(longest - 1)) ? longest - 1 : longest;
        return clean.substring(0, end) + CUT;
    }
}
