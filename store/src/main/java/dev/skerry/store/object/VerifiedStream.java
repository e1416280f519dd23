package dev.skerry.store.object;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Gives the last bytes out only when all of them are the announced ones, so that a reader who counts never has them otherwise. */
final class VerifiedStream extends FilterInputStream {
    private final String sha256;
    private final long size;
    private final MessageDigest digest = digest();
    private long read;
    private @Nullable BytesDiffer difference;

    VerifiedStream(InputStream in, String sha256, long size) {
        super(in);
        this.sha256 = sha256;
        this.size = size;
    }

    /** What was wrong, once reading has failed for it. */
    @Nullable
    BytesDiffer difference() {
        return difference;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        if (size == 0 && read == 0) {
            finish();
            return -1;
        }
        int count = in.read(buffer, offset, length);
        if (count < 0) {
            if (read < size) {
                throw differ("There are " + read + " bytes and not the " + size + " that were announced.");
            }
            return -1;
        }
        read += count;
        if (read > size) {
            throw differ("There are more bytes than the " + size + " that were announced.");
        }
        digest.update(buffer, offset, count);
        if (read == size) {
            finish();
        }
        return count;
    }

    private void finish() throws IOException {
        if (in.read() >= 0) {
            throw differ("There are more bytes than the " + size + " that were announced.");
        }
        if (!HexFormat.of().formatHex(digest.digest()).equals(sha256)) {
            throw differ("The bytes do not have the SHA-256 that was announced.");
        }
    }

    private IOException differ(String sentence) {
        difference = new BytesDiffer(sentence);
        return new IOException(sentence);
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256.", e);
        }
    }
}
