package dev.skerry.api.problem;

import java.util.List;

/** A request that is refused; what it says is written for the caller and holds nothing secret. */
public final class ApiException extends RuntimeException {
    private final ProblemCode code;
    private final transient List<FieldError> errors;

    private ApiException(ProblemCode code, String detail, List<FieldError> errors) {
        super(detail, null, false, false);
        this.code = code;
        this.errors = errors;
    }

    public ApiException(ProblemCode code, String detail) {
        this(code, detail, List.of());
    }

    public static ApiException notFound(String what) {
        return new ApiException(ProblemCode.NOT_FOUND, "There is no such " + what + ".");
    }

    public static ApiException sessionEnded() {
        return new ApiException(
                ProblemCode.SESSION_ENDED, "The session has ended or is ending. Create a new one to go on.");
    }

    public static ApiException tooManyWaiting() {
        return new ApiException(
                ProblemCode.TOO_MANY_WAITING,
                "Too many messages of this session wait for their turn. Send more when some are done.");
    }

    /** {@code errors} is not empty. */
    public static ApiException invalid(List<FieldError> errors) {
        FieldError first = errors.getFirst();
        return new ApiException(ProblemCode.INVALID_REQUEST, first.field() + ": " + first.message(), errors);
    }

    public static ApiException invalid(String field, String message) {
        return invalid(List.of(new FieldError(field, message)));
    }

    public ProblemCode code() {
        return code;
    }

    List<FieldError> errors() {
        return errors;
    }

    /** Always present, unlike {@link #getMessage()} to a null checker. */
    String detail() {
        String message = getMessage();
        return message == null ? code.title() : message;
    }
}
