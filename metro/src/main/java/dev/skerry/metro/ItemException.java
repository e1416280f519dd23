package dev.skerry.metro;

/** Why one item of a request failed, with the platform's numeric code. */
final class ItemException extends Exception {
    static final int INVALID = 7;
    static final int NOT_FOUND = 8;
    static final int OPERATION_FAILED = 10;
    static final int WRONG_STATE = 11;
    static final int MISSING_ID = 13;
    static final int QUOTA = 19;
    static final int ALREADY_EXISTS = 23;

    private final int code;

    ItemException(int code, String message) {
        super(message);
        this.code = code;
    }

    int code() {
        return code;
    }
}
