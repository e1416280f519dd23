package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedCall;
import dev.skerry.controlplane.problem.RefusedException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import tools.jackson.databind.json.JsonMapper;

/** Tells every refusal of a call that passes through in the form that the caller's SDK understands. */
@RestControllerAdvice(assignableTypes = PassThroughController.class)
@Order(Ordered.HIGHEST_PRECEDENCE)
class PassThroughAdvice {
    private static final Logger log = LoggerFactory.getLogger(PassThroughAdvice.class);

    private final ProviderForm form;
    private final JsonMapper json;
    private final ApplicationEventPublisher publisher;

    PassThroughAdvice(ProviderForm form, JsonMapper json, ApplicationEventPublisher publisher) {
        this.publisher = publisher;
        this.form = form;
        this.json = json;
    }

    @ExceptionHandler
    void notPassed(NotPassed e, HttpServletRequest request, HttpServletResponse response) throws IOException {
        publisher.publishEvent(new RefusedCall(request, new RefusedException(e.refusal())));
        ProviderError.of(e).write(PassThroughController.dialect(request), json, response);
    }

    @ExceptionHandler
    void refused(RefusedException e, HttpServletRequest request, HttpServletResponse response) throws IOException {
        publisher.publishEvent(new RefusedCall(request, e));
        refuse(e.refusal(), request, response);
    }

    @ExceptionHandler({DataAccessException.class, TransactionException.class})
    void storeAway(Exception e, HttpServletRequest request, HttpServletResponse response) throws IOException {
        log.warn("the store did not answer", e);
        refuse(new Refusal.Unavailable("The store does not answer at the moment.", 1), request, response);
    }

    @ExceptionHandler
    void disconnected(IOException e) {
        log.debug("the caller went away", e);
    }

    private void refuse(Refusal refusal, HttpServletRequest request, HttpServletResponse response) throws IOException {
        form.write(request, response, refusal);
    }
}
