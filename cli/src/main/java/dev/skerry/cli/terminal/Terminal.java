package dev.skerry.cli.terminal;

import java.io.PrintStream;
import java.util.Map;

/**
 * Lines for people: with colour and one live line on a terminal, plain otherwise.
 *
 * <p>Every text that comes from a model, a tool or a server passes {@link #clean} first, so that it cannot steer the terminal.
 */
public final class Terminal {
    private static final int DEFAULT_COLUMNS = 80;
    private static final String ERASE_LINE = "\r\u001b[2K";

    private final PrintStream out;
    private final boolean live;
    private final boolean colour;
    private final int columns;
    private String status = "";
    private boolean midLine;

    public Terminal(PrintStream out, boolean live, boolean colour, int columns) {
        this.out = out;
        this.live = live;
        this.colour = colour;
        this.columns = columns;
    }

    /** What the launcher found out about the standard output. */
    public static Terminal standard(PrintStream out, Map<String, String> environment) {
        boolean terminal = Boolean.getBoolean("skerry.terminal") && !"dumb".equals(environment.get("TERM"));
        boolean colour = terminal && environment.getOrDefault("NO_COLOR", "").isEmpty();
        return new Terminal(out, terminal, colour, Integer.getInteger("skerry.columns", DEFAULT_COLUMNS));
    }

    /** A terminal that never gets colour or a live line. */
    public static Terminal plain(PrintStream out) {
        return new Terminal(out, false, false, DEFAULT_COLUMNS);
    }

    public boolean isLive() {
        return live;
    }

    public synchronized void line(String text) {
        clearStatus();
        endText();
        out.println(text);
        showStatus();
        out.flush();
    }

    /** Text that arrives in pieces; {@link #line} ends it. */
    public synchronized void text(String piece) {
        if (piece.isEmpty()) {
            return;
        }
        clearStatus();
        status = "";
        out.print(clean(piece));
        midLine = !piece.endsWith("\n");
        out.flush();
    }

    /** What is going on right now, shown at the bottom of a terminal until it changes; empty for nothing. */
    public synchronized void status(String text) {
        if (!live || midLine) {
            return;
        }
        clearStatus();
        status = text.length() >= columns ? text.substring(0, Math.max(0, columns - 1)) : text;
        showStatus();
        out.flush();
    }

    public String dim(String text) {
        return paint("2", text);
    }

    public String bold(String text) {
        return paint("1", text);
    }

    public String green(String text) {
        return paint("32", text);
    }

    public String red(String text) {
        return paint("31", text);
    }

    public String yellow(String text) {
        return paint("33", text);
    }

    public String cyan(String text) {
        return paint("36", text);
    }

    /** Without control characters but for line feed and tab. */
    public static String clean(String text) {
        StringBuilder cleaned = new StringBuilder(text.length());
        text.codePoints()
                .filter(c -> c == '\n'
                        || c == '\t'
                        || (!Character.isISOControl(c) && Character.getType(c) != Character.FORMAT))
                .forEach(cleaned::appendCodePoint);
        return cleaned.toString();
    }

    /** One line of at most {@code width} characters, without control characters. */
    public static String oneLine(String text, int width) {
        String flat = clean(text).replaceAll("\\s+", " ").strip();
        return flat.length() <= width ? flat : flat.substring(0, Math.max(0, width - 1)) + "…";
    }

    private String paint(String code, String text) {
        return colour ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    private void endText() {
        if (midLine) {
            out.println();
            midLine = false;
        }
    }

    private void clearStatus() {
        if (!status.isEmpty()) {
            out.print(ERASE_LINE);
        }
    }

    private void showStatus() {
        if (!status.isEmpty()) {
            out.print(dim(status));
        }
    }
}
