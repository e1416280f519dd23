package dev.skerry.cli.stack;

import dev.skerry.api.key.ApiKey;
import dev.skerry.cli.Home;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.function.Supplier;

/** The secrets of one machine's stack: made once, kept in files that only their owner can read. */
final class Secrets {
    private static final int BYTES = 32;

    private final Home home;
    private final SecureRandom random = new SecureRandom();

    Secrets(Home home) {
        this.home = home;
    }

    String apiKey() throws IOException {
        return kept(home.apiKey(), () -> ApiKey.generate(random).reveal());
    }

    String internalToken() throws IOException {
        return kept(home.root().resolve("internal-token"), this::draw);
    }

    String operatorToken() throws IOException {
        return kept(home.operatorToken(), this::draw);
    }

    String credentialKey() throws IOException {
        return kept(home.root().resolve("credential-key"), this::draw);
    }

    String metroToken() throws IOException {
        return kept(home.root().resolve("metro-token"), this::draw);
    }

    String signingKey() throws IOException {
        return kept(home.root().resolve("signing-key"), this::draw);
    }

    /** Not secret, but made once like the others: six lower-case letters or digits. */
    String installation() throws IOException {
        return kept(
                home.root().resolve("installation"),
                () -> Long.toString(random.nextLong(2_176_782_336L), 36)
                        .concat("000000")
                        .substring(0, 6));
    }

    private String draw() {
        byte[] bytes = new byte[BYTES];
        random.nextBytes(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }

    private synchronized String kept(Path file, Supplier<String> make) throws IOException {
        if (!Files.exists(file)) {
            Path fresh = Files.createTempFile(
                    file.getParent(),
                    ".secret",
                    "",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(fresh, make.get());
            Files.move(fresh, file);
        }
        return Files.readString(file).strip();
    }
}
