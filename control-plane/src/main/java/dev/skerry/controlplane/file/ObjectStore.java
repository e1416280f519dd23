package dev.skerry.controlplane.file;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Where bytes are kept, by session and SHA-256. */
public interface ObjectStore {
    /** Returns when the bytes are kept for good; throws {@link BytesDiffer} and keeps nothing when size or hash are not as promised. */
    void put(String session, String sha256, long size, InputStream bytes) throws IOException, BytesDiffer;

    /** The caller closes the stream. */
    Optional<InputStream> open(String session, String sha256) throws IOException;

    /** The bytes are not the ones that were announced. */
    final class BytesDiffer extends Exception {
        BytesDiffer(String message) {
            super(message);
        }
    }
}
