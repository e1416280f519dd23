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
        publisher.publishEvent(new RefusedCall(request, refused));
        problems.write(response, refused.refusal());
    }

    @ExceptionHandler
    void unreadable(HttpMessageNotReadableException unreadable, HttpServletResponse response) throws IOException {
        for (Throwable cause = unreadable; cause != null; cause = cause.getCause()) {
            if (cause instanceof RefusedException refused) {
                problems.write(response, refused.refusal());
                return;
            }
        }
        problems.write(
                response,
                new Refusal.Malformed("The body is not the JSON object that this call is documented to take."));
    }

    @ExceptionHandler
    void wrongMethod(HttpRequestMethodNotSupportedException wrong, HttpServletResponse response) throws IOException {
        problems.write(response, new Refusal.WrongMethod("This path does not take " + wrong.getMethod() + "."));
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
    void other(Exception other, HttpServletResponse response) throws IOException {
        if (other instanceof ErrorResponse known && known.getStatusCode().is4xxClientError()) {
            problems.write(
                    response,
                    known.getStatusCode().value() == 404
                            ? new Refusal.NotFound("There is nothing at this path.")
                            : new Refusal.Malformed("A parameter or header of this call is missing or wrong."));
            return;
        }
        if (other instanceof org.springframework.web.method.annotation.MethodArgumentTypeMismatchException) {
            problems.write(response, new Refusal.Malformed("A parameter of this call has the wrong form."));
            return;
        }
        log.error("a request failed", other);
        problems.write(response, new Refusal.Broken());
    }
}
