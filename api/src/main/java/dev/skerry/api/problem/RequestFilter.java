package dev.skerry.api.problem;

import dev.skerry.session.Ulid;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.slf4j.MDC;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Around every request: its id, headers that no answer lacks, a limit on its body. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class RequestFilter extends OncePerRequestFilter {
    private final Ulid ids;
    private final ProblemWriter problems;

    RequestFilter(Ulid ids, ProblemWriter problems) {
        this.ids = ids;
        this.problems = problems;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String sent = request.getHeader(RequestId.HEADER);
        String id = sent != null && RequestId.harmless(sent) ? sent : "req_" + ids.next();
        RequestId.set(request, id);
        response.setHeader(RequestId.HEADER, id);
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("Cache-Control", "no-store");
        MDC.put("request", id);
        try {
            if (request.getContentLengthLong() > LimitedBody.MAX_BYTES) {
                problems.write(request, response, LimitedBody.tooLarge());
            } else {
                chain.doFilter(new LimitedBody(request), response);
            }
        } finally {
            MDC.remove("request");
            MDC.remove("tenant");
        }
    }
}
