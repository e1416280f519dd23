package dev.skerry.controlplane.problem;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.HttpRequestMethodNotSupportedException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/** Turns whatever a handler throws into a refusal. */
@RestControllerAdvice
class ProblemAdvice {
    private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);

    private final ProblemWriter problems;
    private final ApplicationEventPublisher publisher;

    ProblemAdvice(ProblemWriter problems, ApplicationEventPublisher publisher) {
        this.problems = problems;
        this.publisher = publisher;
    }

    @ExceptionHandler
    void refused(RefusedException refused, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        refuse(refused, request, response);
    }

    @ExceptionHandler
    void unreadable(
            HttpMessageNotReadableException unreadable, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        for (Throwable cause = unreadable; cause != null; cause = cause.getCause()) {
            if (cause instanceof RefusedException refused) {
                refuse(refused, request, response);
                return;
            }
        }
        refuse(
                new Refusal.Malformed("The body is not the JSON object that this call is documented to take."),
                request,
                response);
    }

    @ExceptionHandler
    void wrongMethod(
            HttpRequestMethodNotSupportedException wrong, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        refuse(new Refusal.WrongMethod("This path does not take " + wrong.getMethod() + "."), request, response);
    }

    @ExceptionHandler({
        DataAccessResourceFailureException.class,
        CannotCreateTransactionException.class,
        TransientDataAccessException.class,
        QueryTimeoutException.class
    })
    void storeAway(Exception away, HttpServletResponse response) throws IOException {
        log.warn("the store did not answer", away);
        problems.write(response, new Refusal.Unavailable("The store does not answer at the moment.", 1));
    }

    @ExceptionHandler
    void disconnected(IOException disconnected) {
        log.debug("the caller went away", disconnected);
    }

    @ExceptionHandler
    void other(Exception other, HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (other instanceof ErrorResponse known && known.getStatusCode().is4xxClientError()) {
            refuse(
                    known.getStatusCode().value() == 404
                            ? new Refusal.NotFound("There is nothing at this path.")
                            : new Refusal.Malformed("A parameter or header of this call is missing or wrong."),
                    request,
                    response);
            return;
        }
        if (other instanceof org.springframework.web.method.annotation.MethodArgumentTypeMismatchException) {
            refuse(new Refusal.Malformed("A parameter of this call has the wrong form."), request, response);
            return;
        }
        log.error("a request failed", other);
        problems.write(response, new Refusal.Broken());
    }

    private void refuse(Refusal refusal, HttpServletRequest request, HttpServletResponse response) throws IOException {
        refuse(new RefusedException(refusal), request, response);
    }

    private void refuse(RefusedException refused, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        publisher.publishEvent(new RefusedCall(request, refused));
        problems.write(response, refused.refusal());
    }
}
