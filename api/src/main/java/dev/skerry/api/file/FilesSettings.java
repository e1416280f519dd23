package dev.skerry.api.file;

import dev.skerry.store.object.S3Settings;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where the bytes of workspaces are.
 *
 * @param directory the control plane's object store, {@code <session id>/<sha256>} below it; not used when there is a bucket
 * @param s3 the control plane's bucket
 */
@ConfigurationProperties("skerry.files")
public record FilesSettings(
        @Nullable Path directory, @Nullable S3Settings s3) {}
