package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Launch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/**
 * The initrd of one boot: the image's own, followed by a small archive with what only this sandbox may know.
 *
 * <p>A kernel unpacks archives that follow each other into one file system. The environment enters neither argv nor a disk.
 */
final class BootArchive {
    private static final int DIRECTORY = 0040700;
    private static final int SECRET_FILE = 0100600;
    private static final int ALIGNMENT = 512;
    private static final int LONGEST_HOST_NAME = 63;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int number = 1_000_000;

    private BootArchive() {}

    /** Writes a file that only this user can read. */
    static void write(Launch launch, List<String> command, Path initrd, Door door, Path target) throws IOException {
        BootArchive archive = new BootArchive();
        archive.entry("guest", SECRET_FILE, names(launch, door).getBytes(StandardCharsets.UTF_8));
        archive.entry("sandbox", SECRET_FILE, program(launch, command, door).getBytes(StandardCharsets.UTF_8));
        archive.files(launch.files());
        archive.entry("TRAILER!!!", 0, new byte[0]);
        Files.deleteIfExists(target);
        Files.createFile(target, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try (OutputStream out = Files.newOutputStream(target)) {
            long size = Files.copy(initrd, out);
            out.write(new byte[(int) ((ALIGNMENT - size % ALIGNMENT) % ALIGNMENT)]);
            archive.bytes.writeTo(out);
        }
    }

    private static String names(Launch launch, Door door) throws IOException {
        String host = launch.name().replaceAll("[^A-Za-z0-9-]", "-");
        return "HOST_NAME=" + quoted(host.substring(0, Math.min(host.length(), LONGEST_HOST_NAME))) + "\n"
                + "CONTROL_PLANE_HOST=" + quoted(door.name().orElse("")) + "\n";
    }

    private static String program(Launch launch, List<String> command, Door door) throws IOException {
        StringBuilder script = new StringBuilder();
        for (Map.Entry<String, String> variable : launch.environment().entrySet()) {
            if (!variable.getKey().matches("[A-Za-z_][A-Za-z0-9_]*")) {
                throw new IOException("a variable's name is not one that a shell knows: " + variable.getKey());
            }
            script.append("export ").append(variable.getKey()).append('=');
            script.append(quoted(door.seenFromInside(variable.getValue()))).append('\n');
        }
        script.append("set --");
        for (String word : command) {
            script.append(' ').append(quoted(word));
        }
        return script.append('\n').toString();
    }

    private static String quoted(String text) throws IOException {
        if (text.indexOf('\0') >= 0) {
            throw new IOException("a value for the sandbox holds a zero byte");
        }
        return "'" + text.replace("'", "'\\''") + "'";
    }

    private void files(Map<String, byte[]> files) throws IOException {
        TreeSet<String> folders = new TreeSet<>();
        for (String name : files.keySet()) {
            Path path = Path.of("files").resolve(name).normalize();
            if (!path.startsWith("files") || path.getNameCount() < 2) {
                throw new IOException("a file of the launch is outside its workspace");
            }
            for (Path above = path.getParent(); above != null; above = above.getParent()) {
                folders.add(above.toString());
            }
        }
        for (String folder : folders) {
            entry(folder, DIRECTORY, new byte[0]);
        }
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            entry(Path.of("files").resolve(file.getKey()).normalize().toString(), SECRET_FILE, file.getValue());
        }
    }

    /** One record of the {@code newc} format; source: the kernel's buffer-format document for early user space. */
    private void entry(String name, int mode, byte[] content) {
        byte[] path = (name + "\0").getBytes(StandardCharsets.UTF_8);
        int[] fields = {number++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0};
        StringBuilder header = new StringBuilder("070701");
        for (int field : fields) {
            header.append(String.format(Locale.ROOT, "%08X", field));
        }
        bytes.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
        bytes.writeBytes(path);
        pad();
        bytes.writeBytes(content);
        pad();
    }

    private void pad() {
        bytes.writeBytes(new byte[(4 - bytes.size() % 4) % 4]);
    }
}
