package dev.skerry.metro;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** Reads what instances wrote, by offsets that go on counting when old output is dropped. */
final class Consoles {
    private static final int DEFAULT = 4096;
    private static final int MOST = 16383;

    private final InstanceStore store;

    Consoles(InstanceStore store) {
        this.store = store;
    }

    ObjectNode read(Instance instance, Fields item, ObjectNode result) throws ItemException {
        item.only(Set.of("uuid", "name", "offset", "limit"));
        long offset = item.number("offset", -DEFAULT, Long.MIN_VALUE, Long.MAX_VALUE);
        int limit = (int) item.number("limit", DEFAULT, 0, MOST);
        Path console = store.console(instance);
        long dropped = instance.consoleDropped;
        try {
            long size = Files.exists(console) ? Files.size(console) : 0;
            long from =
                    offset < 0 ? Math.max(0, size + Math.max(offset, -size)) : Math.clamp(offset - dropped, 0, size);
            byte[] bytes = new byte[(int) Math.max(0, Math.min(limit, size - from))];
            int read = 0;
            if (bytes.length > 0) {
                try (RandomAccessFile file = new RandomAccessFile(console.toFile(), "r")) {
                    file.seek(from);
                    read = Math.max(0, file.read(bytes));
                }
            }
            result.put("output", Base64.getEncoder().encodeToString(java.util.Arrays.copyOf(bytes, read)));
            result.putObject("available").put("start", dropped).put("end", dropped + size);
            result.putObject("range").put("start", dropped + from).put("end", dropped + from + read);
            return result;
        } catch (IOException e) {
            throw new ItemException(ItemException.OPERATION_FAILED, "The log cannot be read");
        }
    }
}
