package dev.skerry.metro;

import dev.skerry.metro.driver.Image;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The images registered at this metro, found by name, by name and tag, or by digest. */
final class Images {
    private static final String LATEST = ":latest";
    private static final int BUFFER = 1 << 16;

    private final List<Registered> all = new ArrayList<>();

    /**
     * One image.
     *
     * @param name with its tag
     * @param digest {@code sha256:...} over what is booted, a disk by its name, size and time
     */
    record Registered(String name, String digest, long bytes, Image image) {
        String url() {
            return "oci://" + name + "@" + digest;
        }
    }

    Images(Map<String, Image> images) throws IOException {
        for (Map.Entry<String, Image> entry : new TreeMap<>(images).entrySet()) {
            MessageDigest digest = sha256();
            long bytes = 0;
            switch (entry.getValue()) {
                case Image.Program program -> {
                    program.command().forEach(word -> digest.update((word + "\0").getBytes(StandardCharsets.UTF_8)));
                    program.readOnlyPaths()
                            .forEach(path -> digest.update((path + "\0").getBytes(StandardCharsets.UTF_8)));
                }
                case Image.Machine machine -> {
                    bytes = digested(machine.kernel(), digest) + digested(machine.initrd(), digest);
                    digest.update(stamp(machine.disk()).getBytes(StandardCharsets.UTF_8));
                }
            }
            all.add(new Registered(
                    withTag(entry.getKey()),
                    "sha256:" + HexFormat.of().formatHex(digest.digest()),
                    bytes,
                    entry.getValue()));
        }
    }

    List<Registered> all() {
        return List.copyOf(all);
    }

    /** By {@code name}, {@code name:tag}, {@code name@sha256:...} or a whole {@code oci://} address. */
    Optional<Registered> find(String reference) {
        String bare = reference.replaceFirst("^oci://", "");
        int at = bare.indexOf('@');
        String name = at < 0 ? bare : bare.substring(0, at);
        String digest = at < 0 ? "" : bare.substring(at + 1);
        return all.stream()
                .filter(image -> image.name().equals(withTag(name))
                        || (!digest.isEmpty() && image.name().startsWith(name + ":")))
                .filter(image -> digest.isEmpty() || image.digest().equals(digest))
                .findFirst();
    }

    private static String withTag(String name) {
        return name.lastIndexOf(':') > name.lastIndexOf('/') ? name : name + LATEST;
    }

    /** A disk is large, and read whole it would hold up every start. */
    private static String stamp(Path disk) throws IOException {
        return disk.toAbsolutePath() + " " + Files.size(disk) + " " + Files.getLastModifiedTime(disk);
    }

    private static long digested(Path file, MessageDigest digest) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[BUFFER];
            long total = 0;
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
                total += read;
            }
            return total;
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
