package dev.skerry.system;

import java.nio.file.Files;
import java.nio.file.Path;

/** What the build made. */
final class Distribution {
    private Distribution() {}

    static Path root() {
        return Path.of("..").toAbsolutePath().normalize();
    }

    static Path jar() {
        Path jar = root().resolve("cli/target/dist/skerry.jar");
        if (!Files.exists(jar)) {
            throw new IllegalStateException(
                    jar + " is missing: run these tests by ./mvnw verify, which builds it first.");
        }
        return jar;
    }
}
