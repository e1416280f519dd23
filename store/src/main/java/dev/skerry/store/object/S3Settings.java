package dev.skerry.store.object;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * One bucket of an S3-compatible store; nothing outside of it and its prefix is ever touched.
 *
 * @param endpoint null for AWS itself
 * @param prefix of every key, such as {@code skerry/}
 * @param accessKey null to take credentials from the environment, as AWS programs do
 * @param pathStyle puts the bucket into the path, which most stores but AWS need
 */
public record S3Settings(
        @Nullable URI endpoint,
        @DefaultValue("us-east-1") String region,
        String bucket,
        @DefaultValue("") String prefix,
        @Nullable String accessKey,
        @Nullable String secretKey,
        @DefaultValue("false") boolean pathStyle) {
    public S3Settings {
        if (bucket == null || bucket.isBlank()) {
            throw new IllegalArgumentException("An S3 store of workspaces needs the name of its bucket.");
        }
        if ((accessKey == null) != (secretKey == null)) {
            throw new IllegalArgumentException("Give an S3 store both an access key and a secret key, or neither.");
        }
    }

    @Override
    public String toString() {
        return "S3Settings[bucket=" + bucket + ", prefix=" + prefix + "]";
    }
}
