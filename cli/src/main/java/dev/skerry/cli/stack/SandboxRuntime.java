package dev.skerry.cli.stack;

import dev.skerry.cli.Home;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Unpacks the sandbox's runtime from this program's own resources. */
final class SandboxRuntime {
    private static final String ROOT = "/skerry-runtime/";
    private static final int NAME_LENGTH = 16;

    private SandboxRuntime() {}

    /** The directory to start with Python; named by its content, so that a new version never overwrites one in use. */
    static Path unpack(Home home) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        List<String> names = new String(read("FILES"), StandardCharsets.UTF_8)
                .lines()
                .filter(name -> !name.isBlank())
                .toList();
        MessageDigest digest = sha256();
        for (String name : names) {
            byte[] bytes = read(name);
            digest.update(bytes);
            files.put(name, bytes);
        }
        Path target =
                home.runtime().resolve(HexFormat.of().formatHex(digest.digest()).substring(0, NAME_LENGTH));
        if (!Files.isDirectory(target)) {
            Path fresh = Files.createTempDirectory(home.runtime(), ".unpacking");
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                Path path = fresh.resolve(file.getKey());
                Files.createDirectories(path.getParent());
                Files.write(path, file.getValue());
            }
            Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
        }
        return target.resolve("skerry_runtime");
    }

    private static byte[] read(String name) throws IOException {
        try (InputStream in = SandboxRuntime.class.getResourceAsStream(ROOT + name)) {
            if (in == null) {
                throw new IOException("the distribution lacks " + ROOT + name);
            }
            return in.readAllBytes();
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
