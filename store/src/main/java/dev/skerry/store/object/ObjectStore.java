package dev.skerry.store.object;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/** Where bytes are kept, by session and SHA-256. */
public interface ObjectStore {
    /** Returns when the bytes are kept for good; throws {@link BytesDiffer} and keeps nothing when size or hash are not as promised. */
    void put(String session, String sha256, long size, InputStream bytes) throws IOException, BytesDiffer;

    /** The caller closes the stream. */
    Optional<InputStream> open(String session, String sha256) throws IOException;

    /** Forgets the bytes; harmless when they are not there. */
    void delete(String session, String sha256) throws IOException;

    /** A URL of the store itself by which anybody may put this many bytes, for a while; empty when it has none. */
    default Optional<URI> uploadUrl(String session, String sha256, long size, Duration life) {
        return Optional.empty();
    }

    /** A URL of the store itself by which anybody may read the bytes, for a while; empty when it has none. */
    default Optional<URI> downloadUrl(String session, String sha256, Duration life) {
        return Optional.empty();
    }

    /**
     * Keeps what was put by {@link #uploadUrl} once its bytes are found to be the promised ones. Answers false when nothing was put.
     */
    default boolean adopt(String session, String sha256, long size) throws IOException, BytesDiffer {
        return false;
    }
}
