package dev.skerry.metro.qemu;

import dev.skerry.metro.driver.Launch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/**
 * The initrd of one boot: the image's own, followed by a small archive with what only this sandbox may know. A copy of a template gets
 * such an archive as a disk.
 *
 * <p>A kernel unpacks archives that follow each other into one file system. The environment enters neither argv nor a disk.
 */
final class BootArchive {
    private static final FileAttribute<?> OWN_FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    private static final int DIRECTORY = 0040700;
    private static final int SECRET_FILE = 0100600;
    private static final int ALIGNMENT = 512;
    private static final int LONGEST_HOST_NAME = 63;
    private static final int LONGEST_ADDRESS = 2048;
    private static final String END = "TRAILER!!!";

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int number = 1_000_000;

    private BootArchive() {}

    /** Writes a file that only this user can read. */
    static void write(Launch launch, List<String> command, Path initrd, Door door, Path target) throws IOException {
        BootArchive archive = new BootArchive();
        archive.entry("guest", SECRET_FILE, names(launch, door).getBytes(StandardCharsets.UTF_8));
        archive.entry("sandbox", SECRET_FILE, program(launch, command, door).getBytes(StandardCharsets.UTF_8));
        archive.files(launch.files(), door);
        archive.entry(END, 0, new byte[0]);
        Files.deleteIfExists(target);
        Files.createFile(target, OWN_FILE);
        try (OutputStream out = Files.newOutputStream(target)) {
            long size = Files.copy(initrd, out);
            out.write(new byte[(int) ((ALIGNMENT - size % ALIGNMENT) % ALIGNMENT)]);
            archive.bytes.writeTo(out);
        }
    }

    /** Only the files, as a disk that a running guest reads; {@code size} is the disk's, zeros fill the rest. */
    static void writeFiles(Launch launch, Door door, Path target, long size) throws IOException {
        BootArchive archive = new BootArchive();
        for (Map.Entry<String, byte[]> file : launch.files().entrySet()) {
            archive.entry(inside(file.getKey()).toString(), SECRET_FILE, seen(file.getValue(), door));
        }
        archive.entry(END, 0, new byte[0]);
        if (archive.bytes.size() > size) {
            throw new IOException("the files for the sandbox are larger than " + size + " bytes together");
        }
        emptyDisk(target, size);
        try (OutputStream out = Files.newOutputStream(target, StandardOpenOption.WRITE)) {
            archive.bytes.writeTo(out);
        }
    }

    /** Takes no space. */
    static void emptyDisk(Path target, long size) throws IOException {
        Files.deleteIfExists(target);
        Files.createFile(target, OWN_FILE);
        try (RandomAccessFile disk = new RandomAccessFile(target.toFile(), "rw")) {
            disk.setLength(size);
        }
    }

    static String hostName(Launch launch) {
        String host = launch.name().replaceAll("[^A-Za-z0-9-]", "-");
        return host.substring(0, Math.min(host.length(), LONGEST_HOST_NAME));
    }

    private static String names(Launch launch, Door door) throws IOException {
        return "HOST_NAME=" + quoted(hostName(launch)) + "\n" + "CONTROL_PLANE_HOST="
                + quoted(door.name().orElse("")) + "\n";
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

    private void files(Map<String, byte[]> files, Door door) throws IOException {
        TreeSet<String> folders = new TreeSet<>();
        for (String name : files.keySet()) {
            for (Path above = beside(name).getParent(); above != null; above = above.getParent()) {
                folders.add(above.toString());
            }
        }
        for (String folder : folders) {
            entry(folder, DIRECTORY, new byte[0]);
        }
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            entry(beside(file.getKey()).toString(), SECRET_FILE, seen(file.getValue(), door));
        }
    }

    private static Path beside(String name) throws IOException {
        return Path.of("files").resolve(inside(name));
    }

    /** Where it is below the guest's root. */
    private static Path inside(String name) throws IOException {
        Path path = Path.of("/").resolve(name);
        if (path.getNameCount() < 1 || !path.equals(path.normalize())) {
            throw new IOException("a file of the launch is outside the guest");
        }
        return Path.of("/").relativize(path);
    }

    /** A file that holds nothing but the door's address tells it as a variable would. */
    private static byte[] seen(byte[] content, Door door) {
        if (content.length > LONGEST_ADDRESS) {
            return content;
        }
        String text = new String(content, StandardCharsets.ISO_8859_1);
        return door.seenFromInside(text).getBytes(StandardCharsets.ISO_8859_1);
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
