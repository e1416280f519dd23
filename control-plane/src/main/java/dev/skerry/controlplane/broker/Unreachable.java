package dev.skerry.controlplane.broker;

import java.io.IOException;

/** A brokered request got no whole answer. */
final class Unreachable extends IOException {
    private final boolean sent;

    /** @param sent whether the server may have acted on it */
    Unreachable(String message, boolean sent, Throwable cause) {
        super(message, cause);
        this.sent = sent;
    }

    boolean sent() {
        return sent;
    }
}
