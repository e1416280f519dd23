package dev.skerry.metro;

/** Why a whole request is refused, with its HTTP status. */
final class RequestException extends RuntimeException {
    private final int status;

    RequestException(int status, String message) {
        super(message);
        this.status = status;
    }

    int status() {
        return status;
    }
}
