package dev.skerry.api.file;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where the bytes of workspaces are.
 *
 * @param directory the control plane's object store, {@code <session id>/<sha256>} below it
 */
@ConfigurationProperties("skerry.files")
public record FilesSettings(@Nullable Path directory) {}
