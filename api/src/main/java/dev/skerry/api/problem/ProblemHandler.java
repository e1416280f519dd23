package dev.skerry.api.problem;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.transaction.TransactionException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpMediaTypeNotAcceptableException;
import org.springframework.web.HttpMediaTypeNotSupportedException;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.async.AsyncRequestNotUsableException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;

/** The one place where failures become answers. */
@RestControllerAdvice
class ProblemHandler {
    private static final Logger log = LoggerFactory.getLogger(ProblemHandler.class);

    private final ProblemWriter problems;

    ProblemHandler(ProblemWriter problems) {
        this.problems = problems;
    }

    @ExceptionHandler
    void handle(Exception failure, HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (failure instanceof AsyncRequestNotUsableException) {
            return;
        }
        problems.write(request, response, translate(failure));
    }

    private static ApiException translate(Exception failure) {
        return switch (failure) {
            case ApiException refused -> refused;
            case HttpMessageNotReadableException unreadable -> UnreadableBody.explain(unreadable);
            case MethodArgumentTypeMismatchException mismatch ->
                ApiException.invalid(mismatch.getName(), "This is not a value that the parameter can have.");
            case MissingServletRequestParameterException missing ->
                ApiException.invalid(missing.getParameterName(), "This parameter is required.");
            case HttpRequestMethodNotSupportedException method ->
                new ApiException(ProblemCode.METHOD_NOT_ALLOWED, "This path does not take " + method.getMethod() + ".");
            case HttpMediaTypeNotSupportedException ignored ->
                new ApiException(
                        ProblemCode.UNSUPPORTED_MEDIA_TYPE, "Send the body with Content-Type: application/json.");
            case HttpMediaTypeNotAcceptableException ignored ->
                new ApiException(ProblemCode.NOT_ACCEPTABLE, "This path cannot answer in a form that Accept allows.");
            case DataAccessResourceFailureException away -> storeAway(away);
            case TransientDataAccessException away -> storeAway(away);
            case TransactionException away -> storeAway(away);
            case ErrorResponse error
            when error.getStatusCode().value() == 404 ->
                new ApiException(ProblemCode.NOT_FOUND, "There is nothing at this path.");
            case ErrorResponse error
            when error.getStatusCode().is4xxClientError() ->
                new ApiException(ProblemCode.INVALID_REQUEST, "The request cannot be understood.");
            default -> unexpected(failure);
        };
    }

    private static ApiException storeAway(Exception failure) {
        log.warn("Postgres is away: {}", failure.getMessage());
        return new ApiException(ProblemCode.UNAVAILABLE, "The store does not answer. Try again in a few seconds.");
    }

    private static ApiException unexpected(Exception failure) {
        log.error("a request failed unexpectedly", failure);
        return new ApiException(
                ProblemCode.INTERNAL, "Something went wrong here. Tell the operator the request id; the log has more.");
    }
}
