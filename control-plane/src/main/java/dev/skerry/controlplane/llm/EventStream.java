package dev.skerry.controlplane.llm;

import java.io.IOException;
import java.util.Optional;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;

/** Reads server-sent events off a response body; source of the form: the WHATWG HTML standard, "Server-sent events". */
final class EventStream {
    private static final long MOST_LINE_BYTES = 8L << 20;
    private static final long MOST_BYTES = 64L << 20;

    private final BufferedSource source;
    private long bytes;

    EventStream(BufferedSource source) {
        this.source = source;
    }

    /** One event; {@code name} is empty when the stream gives none. */
    record Event(String name, String data) {}

    /** The next event that has data; empty at the end of the stream. */
    Optional<Event> next() throws IOException {
        String name = "";
        StringBuilder data = new StringBuilder();
        boolean any = false;
        while (true) {
            String line = line();
            if (line == null) {
                return any ? Optional.of(new Event(name, data.toString())) : Optional.empty();
            }
            if (line.isEmpty()) {
                if (any) {
                    return Optional.of(new Event(name, data.toString()));
                }
                name = "";
            } else if (line.startsWith("event:")) {
                name = value(line, "event:");
            } else if (line.startsWith("data:")) {
                data.append(any ? "\n" : "").append(value(line, "data:"));
                any = true;
            }
        }
    }

    private @Nullable String line() throws IOException {
        if (source.exhausted()) {
            return null;
        }
        String line = source.readUtf8LineStrict(MOST_LINE_BYTES);
        bytes += line.length() + 1L;
        if (bytes > MOST_BYTES) {
            throw new IOException("The stream is longer than any answer.");
        }
        return line;
    }

    private static String value(String line, String field) {
        String value = line.substring(field.length());
        return value.startsWith(" ") ? value.substring(1) : value;
    }
}
