package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Exit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads from a console why a guest ended.
 *
 * <p>Its program is process 1: when that ends, the kernel says with which status, and gives up. A guest can say so without its being true,
 * which deceives nobody but whoever reads its exit code.
 */
final class Ending {
    private static final int LAST_WORDS = 8 * 1024;
    private static final Pattern PROGRAM_ENDED = Pattern.compile("Attempted to kill init! exitcode=0x([0-9a-f]{8})");
    private static final Pattern PANIC = Pattern.compile("Kernel panic - not syncing: ([^\\r\\n]+)");

    private Ending() {}

    /** {@code qemu} is the exit code of QEMU where that is known. */
    static Exit read(Path console, OptionalInt qemu) {
        String words = lastWords(console);
        Matcher program = PROGRAM_ENDED.matcher(words);
        String status = null;
        while (program.find()) {
            status = program.group(1);
        }
        if (status != null) {
            int wait = Integer.parseUnsignedInt(status, 16);
            int signal = wait & 0x7f;
            return new Exit.Ended(signal == 0 ? wait >> 8 & 0xff : 128 + signal);
        }
        Matcher panic = PANIC.matcher(words);
        if (panic.find()) {
            return new Exit.Crashed("kernel panic: " + panic.group(1));
        }
        if (qemu.isEmpty()) {
            return new Exit.Unseen();
        }
        return qemu.getAsInt() == 0
                ? new Exit.Ended(0)
                : new Exit.Crashed("its virtual machine ended with code " + qemu.getAsInt());
    }

    private static String lastWords(Path console) {
        try (SeekableByteChannel channel = Files.newByteChannel(console)) {
            channel.position(Math.max(0, channel.size() - LAST_WORDS));
            ByteBuffer bytes = ByteBuffer.allocate(LAST_WORDS);
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
                Thread.onSpinWait();
            }
            return new String(bytes.array(), 0, bytes.position(), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
