package dev.skerry.controlplane.passthrough;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import tools.jackson.databind.json.JsonMapper;

/**
 * An error as it is told to an SDK.
 *
 * @param status HTTP status
 * @param code stable, for programs
 * @param field what is wrong, where it is one field
 */
record ProviderError(
        int status,
        String code,
        @Nullable String field,
        String message,
        @Nullable Integer retryAfterSeconds) {

    static ProviderError of(NotPassed e) {
        return new ProviderError(e.status(), e.code(), e.field(), e.said(), null);
    }

    byte[] body(Dialect dialect, JsonMapper json) {
        return json.writeValueAsBytes(dialect.error(json, status, code, field, message));
    }

    /** Does nothing to a response that has begun. */
    void write(Dialect dialect, JsonMapper json, HttpServletResponse response) throws IOException {
        if (response.isCommitted()) {
            return;
        }
        byte[] body = body(dialect, json);
        response.resetBuffer();
        response.setStatus(status);
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setContentLength(body.length);
        if (retryAfterSeconds == null) {
            response.setHeader("x-should-retry", "false");
        } else {
            response.setHeader(HttpHeaders.RETRY_AFTER, Integer.toString(retryAfterSeconds));
        }
        response.getOutputStream().write(body);
        response.flushBuffer();
    }
}
