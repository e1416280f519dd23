package dev.skerry.api.problem;

import java.util.stream.Collectors;
import org.springframework.http.converter.HttpMessageNotReadableException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Says what is wrong with a body without repeating any of it. */
final class UnreadableBody {
    private UnreadableBody() {}

    static ApiException explain(HttpMessageNotReadableException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof ApiException refused) {
                return refused;
            }
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            switch (cause) {
                case UnrecognizedPropertyException unknown -> {
                    return ApiException.invalid(path(unknown), "There is no such field here.");
                }
                case MismatchedInputException mismatch -> {
                    return ApiException.invalid(path(mismatch), "This value has the wrong type.");
                }
                case JacksonException broken -> {
                    return ApiException.invalid("body", "This is not JSON. " + where(broken));
                }
                default -> {}
            }
        }
        return ApiException.invalid("body", "A JSON object is required.");
    }

    private static String path(JacksonException failure) {
        String path = failure.getPath().stream()
                .map(step -> step.getPropertyName() == null ? "[" + step.getIndex() + "]" : step.getPropertyName())
                .collect(Collectors.joining("."));
        return path.isEmpty() ? "body" : path.substring(0, Math.min(path.length(), 200));
    }

    private static String where(JacksonException failure) {
        var location = failure.getLocation();
        return location == null
                ? ""
                : "Look at line " + location.getLineNr() + ", column " + location.getColumnNr() + ".";
    }
}
