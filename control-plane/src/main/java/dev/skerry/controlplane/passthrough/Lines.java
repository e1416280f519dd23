package dev.skerry.controlplane.passthrough;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Finds the data of server-sent events in bytes that come in pieces; both providers write an event's data on one line. */
final class Lines {
    private static final int LONGEST = 8 << 20;
    private static final String DATA = "data:";

    private final Consumer<String> data;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    Lines(Consumer<String> data) {
        this.data = data;
    }

    void take(byte[] piece) {
        int from = 0;
        for (int i = 0; i < piece.length; i++) {
            if (piece[i] == '\n') {
                line.write(piece, from, i - from);
                from = i + 1;
                end();
            }
        }
        if (line.size() + piece.length - from < LONGEST) {
            line.write(piece, from, piece.length - from);
        }
    }

    private void end() {
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (text.startsWith(DATA)) {
            data.accept(text.substring(DATA.length()).strip());
        }
    }
}
