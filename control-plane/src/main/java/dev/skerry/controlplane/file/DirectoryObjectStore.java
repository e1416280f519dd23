package dev.skerry.controlplane.file;

import dev.skerry.controlplane.ControlPlaneSettings;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.springframework.stereotype.Component;

/** Keeps bytes in a directory, as {@code <session>/<sha256>}; a file appears there whole or not at all. */
@Component
class DirectoryObjectStore implements ObjectStore {
    private static final Pattern SESSION = Pattern.compile("ses_[0-9A-Z]{26}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Duration ABANDONED = Duration.ofHours(6);
    private static final int CHUNK = 64 * 1024;

    private final Path root;
    private final Path arriving;

    DirectoryObjectStore(ControlPlaneSettings settings) {
        this.root = settings.files().root().toAbsolutePath();
        this.arriving = root.resolve(".arriving");
        try {
            Files.createDirectories(arriving);
            removeAbandoned();
        } catch (IOException e) {
            throw new UncheckedIOException("skerry.control-plane.files.directory must be writable: " + root, e);
        }
    }

    @Override
    public void put(String session, String sha256, long size, InputStream bytes) throws IOException, BytesDiffer {
        Path target = path(session, sha256);
        Path temporary = arriving.resolve(UUID.randomUUID().toString());
        try {
            write(temporary, sha256, size, bytes);
            Files.createDirectories(target.getParent());
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    @Override
    public Optional<InputStream> open(String session, String sha256) throws IOException {
        try {
            return Optional.of(Files.newInputStream(path(session, sha256)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static void write(Path file, String sha256, long size, InputStream bytes) throws IOException, BytesDiffer {
        MessageDigest digest = digest();
        long written = 0;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            byte[] chunk = new byte[CHUNK];
            int count = bytes.read(chunk);
            while (count >= 0) {
                written += count;
                if (written > size) {
                    throw new BytesDiffer("There are more bytes than the " + size + " that were announced.");
                }
                digest.update(chunk, 0, count);
                ByteBuffer buffer = ByteBuffer.wrap(chunk, 0, count);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                count = bytes.read(chunk);
            }
            channel.force(true);
        }
        if (written != size) {
            throw new BytesDiffer("There are " + written + " bytes and not the " + size + " that were announced.");
        }
        if (!HexFormat.of().formatHex(digest.digest()).equals(sha256)) {
            throw new BytesDiffer("The bytes do not have the SHA-256 that was announced.");
        }
    }

    private Path path(String session, String sha256) {
        if (!SESSION.matcher(session).matches() || !SHA256.matcher(sha256).matches()) {
            throw new IllegalArgumentException("An object is named by a session's id and a SHA-256 in lower-case hex.");
        }
        return root.resolve(session).resolve(sha256);
    }

    private void removeAbandoned() throws IOException {
        Instant before = Instant.now().minus(ABANDONED);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(arriving)) {
            for (Path file : files) {
                if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256.", e);
        }
    }
}
