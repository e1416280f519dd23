package dev.skerry.metro;

/** Why one item of a request failed, with the platform's numeric code. */
final class ItemException extends Exception {
    static final int NOT_SUPPORTED = 1;
    static final int UNKNOWN_MEMBER = 6;
    static final int INVALID = 7;
    static final int NOT_FOUND = 8;
    static final int NONE_FREE = 9;
    static final int OPERATION_FAILED = 10;
    static final int WRONG_STATE = 11;
    static final int MISSING_ID = 13;
    static final int NOT_ALLOWED = 14;
    static final int ATTACHED = 15;
    static final int MALFORMED = 16;
    static final int NOT_BOTH = 17;
    static final int QUOTA = 19;
    static final int TOO_LONG = 22;
    static final int ALREADY_EXISTS = 23;

    private final int code;

    ItemException(int code, String message) {
        super(message);
        this.code = code;
    }

    static ItemException invalid(String member, String rule) {
        return new ItemException(INVALID, "Invalid '" + member + "': " + rule);
    }

    static ItemException unsupported(String what) {
        return new ItemException(NOT_SUPPORTED, "Not supported: " + what);
    }

    int code() {
        return code;
    }
}
