package dev.skerry.store.object;

/** The bytes are not the ones that were announced. */
public final class BytesDiffer extends Exception {
    BytesDiffer(String message) {
        super(message);
    }

    /** One sentence for a person. */
    public String sentence() {
        String message = getMessage();
        return message == null ? "The bytes differ." : message;
    }
}
