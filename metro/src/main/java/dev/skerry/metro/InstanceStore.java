package dev.skerry.metro;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Keeps each instance in a directory of its own, readable by the metro's user only, replaced in one step. */
final class InstanceStore {
    private static final Logger log = LoggerFactory.getLogger(InstanceStore.class);
    private static final FileAttribute<?> OWN_DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static final FileAttribute<?> OWN_FILE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final JsonMapper json = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();
    private final Path root;

    InstanceStore(Path stateDirectory) throws IOException {
        this.root = stateDirectory.toAbsolutePath().resolve("instances");
        Files.createDirectories(root, OWN_DIRECTORY);
    }

    void create(Instance instance) throws IOException {
        Files.createDirectories(sandbox(instance), OWN_DIRECTORY);
        Files.createDirectories(snapshot(instance), OWN_DIRECTORY);
        save(instance);
    }

    void save(Instance instance) throws IOException {
        Path directory = directory(instance);
        Path fresh = Files.createTempFile(directory, "instance", ".new", OWN_FILE);
        try {
            Files.write(fresh, json.writeValueAsBytes(instance));
            Files.move(
                    fresh,
                    directory.resolve("instance.json"),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
    }

    /** Oldest first; directories that never became an instance are removed, unreadable ones left alone. */
    List<Instance> load() throws IOException {
        List<Instance> found = new ArrayList<>();
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(root)) {
            for (Path directory : directories) {
                Path file = directory.resolve("instance.json");
                try {
                    found.add(json.readValue(Files.readAllBytes(file), Instance.class));
                } catch (NoSuchFileException e) {
                    deleteTree(directory);
                } catch (JacksonException e) {
                    log.error("cannot read {}: its instance is left alone", file);
                }
            }
        }
        found.sort((a, b) -> Integer.compare(a.number, b.number));
        return found;
    }

    void delete(Instance instance) throws IOException {
        deleteTree(directory(instance));
    }

    Path console(Instance instance) {
        return directory(instance).resolve("console.log");
    }

    /** The driver's own. */
    Path sandbox(Instance instance) {
        return directory(instance).resolve("sandbox");
    }

    /** Where a template's memory is. */
    Path snapshot(Instance instance) {
        return directory(instance).resolve("snapshot");
    }

    long freeBytes() {
        return root.toFile().getUsableSpace();
    }

    private Path directory(Instance instance) {
        return root.resolve(instance.uuid);
    }

    private static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                if (!Files.isWritable(directory) || !Files.isExecutable(directory)) {
                    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) throws IOException {
                Files.deleteIfExists(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
