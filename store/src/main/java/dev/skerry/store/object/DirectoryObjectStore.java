package dev.skerry.store.object;

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
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/** Keeps bytes in a directory, as {@code <session>/<sha256>}; a file appears there whole or not at all. */
public final class DirectoryObjectStore implements ObjectStore {
    private static final Duration ABANDONED = Duration.ofHours(6);
    private static final int CHUNK = 64 * 1024;

    private final Path root;
    private final Path arriving;

    public DirectoryObjectStore(Path directory) {
        this.root = directory.toAbsolutePath();
        this.arriving = root.resolve(".arriving");
        try {
            Files.createDirectories(arriving);
            removeAbandoned();
        } catch (IOException e) {
            throw new UncheckedIOException("The directory of workspaces must be writable: " + root, e);
        }
    }

    @Override
    public void put(String session, String sha256, long size, InputStream bytes) throws IOException, BytesDiffer {
        Path target = path(session, sha256);
        Path temporary = arriving.resolve(UUID.randomUUID().toString());
        VerifiedStream verified = new VerifiedStream(bytes, sha256, size);
        try {
            write(temporary, verified);
            Files.createDirectories(target.getParent());
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            if (verified.difference() != null) {
                throw verified.difference();
            }
            throw e;
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

    @Override
    public void delete(String session, String sha256) throws IOException {
        Files.deleteIfExists(path(session, sha256));
    }

    private static void write(Path file, InputStream bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            byte[] chunk = new byte[CHUNK];
            int count = bytes.read(chunk);
            while (count >= 0) {
                ByteBuffer buffer = ByteBuffer.wrap(chunk, 0, count);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                count = bytes.read(chunk);
            }
            channel.force(true);
        }
    }

    private Path path(String session, String sha256) {
        ObjectName name = new ObjectName(session, sha256);
        return root.resolve(name.session()).resolve(name.sha256());
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
}
