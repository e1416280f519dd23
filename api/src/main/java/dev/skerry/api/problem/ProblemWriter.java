package dev.skerry.api.problem;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Writes every error that leaves this process, whatever the client said it accepts. */
@Component
public class ProblemWriter {
    private static final String RETRY_AFTER_SECONDS = "5";

    private final JsonMapper json;

    ProblemWriter(JsonMapper json) {
        this.json = json;
    }

    /** Does nothing once an answer is under way. */
    public void write(HttpServletRequest request, HttpServletResponse response, ApiException failure)
            throws IOException {
        if (response.isCommitted()) {
            return;
        }
        ProblemCode code = failure.code();
        response.resetBuffer();
        response.setStatus(code.status());
        response.setContentType("application/problem+json");
        if (code.retryable()) {
            response.setHeader("Retry-After", RETRY_AFTER_SECONDS);
        }
        if (code == ProblemCode.UNAUTHORIZED) {
            response.setHeader("WWW-Authenticate", "Bearer");
        }
        byte[] body = json.writeValueAsBytes(new Problem(
                "about:blank",
                code.title(),
                code.status(),
                failure.detail(),
                code.code(),
                RequestId.of(request),
                failure.errors()));
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
        response.flushBuffer();
    }
}
