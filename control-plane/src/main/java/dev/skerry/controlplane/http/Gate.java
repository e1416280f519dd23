package dev.skerry.controlplane.http;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneSettings.Limits;
import dev.skerry.controlplane.problem.ProblemWriter;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusalForm;
import dev.skerry.controlplane.problem.RefusedCall;
import dev.skerry.controlplane.problem.RefusedException;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Passes only what its listener may serve: sandbox calls on the sandbox port, worker calls with the worker's token on the internal
 * port, paths of plain characters, bodies of bounded size.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class Gate extends OncePerRequestFilter {
    private static final Logger log = LoggerFactory.getLogger(Gate.class);
    private static final Pattern SANDBOX = Pattern.compile("/sandbox/v1(/[A-Za-z0-9_-]+)+");
    private static final Pattern INTERNAL = Pattern.compile("/internal/v1(/[A-Za-z0-9_-]+)+");
    private static final Pattern OPERATOR = Pattern.compile("/internal/v1/operator/.*");
    private static final Pattern OBJECT = Pattern.compile("/sandbox/v1/objects/.+");
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    static final String REQUEST_ID_HEADER = "X-Request-ID";

    private final Listeners listeners;
    private final Draining draining;
    private final ProblemWriter problems;
    private final List<RefusalForm> forms;
    private final ApplicationEventPublisher publisher;
    private final Limits limits;
    private final long bodyLimit;
    private final byte[] internalToken;
    private final byte[] operatorToken;

    Gate(
            Listeners listeners,
            Draining draining,
            ProblemWriter problems,
            List<RefusalForm> forms,
            ApplicationEventPublisher publisher,
            ControlPlaneSettings settings) {
        this.publisher = publisher;
        this.listeners = listeners;
        this.draining = draining;
        this.problems = problems;
        this.forms = forms;
        this.limits = settings.limits();
        this.bodyLimit = settings.limits().body().toBytes();
        this.operatorToken = settings.operator().token().getBytes(StandardCharsets.UTF_8);
        this.internalToken = settings.internal().token().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        String requestId = Optional.ofNullable(request.getHeader(REQUEST_ID_HEADER))
                .filter(id -> REQUEST_ID.matcher(id).matches())
                .orElseGet(() -> UUID.randomUUID().toString());
        response.setHeader(REQUEST_ID_HEADER, requestId);
        MDC.put("request", requestId);
        try {
            Refusal refusal = refusal(request);
            if (refusal != null) {
                publisher.publishEvent(new RefusedCall(request, new RefusedException(refusal)));
                write(request, response, refusal);
            } else if (draining.begun()) {
                response.setHeader(HttpHeaders.CONNECTION, "close");
                write(
                        request,
                        response,
                        new Refusal.Unavailable(
                                "This control plane is about to stop: ask again, another one answers.", 1));
            } else {
                chain.doFilter(bounded(request), response);
            }
        } catch (RefusedException refused) {
            publisher.publishEvent(new RefusedCall(request, refused));
            write(request, response, refused.refusal());
        } catch (RuntimeException | ServletException e) {
            log.error("a request failed", e);
            write(request, response, new Refusal.Broken());
        } finally {
            MDC.clear();
        }
    }

    private void write(HttpServletRequest request, HttpServletResponse response, Refusal refusal) throws IOException {
        Optional<RefusalForm> form =
                forms.stream().filter(each -> each.suits(request)).findFirst();
        if (form.isPresent()) {
            form.get().write(request, response, refusal);
        } else {
            problems.write(response, refusal);
        }
    }

    private BoundedRequest bounded(HttpServletRequest request) {
        boolean internal = request.getLocalPort() == listeners.internalPort();
        return OBJECT.matcher(request.getRequestURI()).matches()
                ? new BoundedRequest(request, internal, limits.file().toBytes(), limits.fileTime())
                : new BoundedRequest(request, internal, bodyLimit, limits.bodyTime());
    }

    private @Nullable Refusal refusal(HttpServletRequest request) {
        String path = request.getRequestURI();
        int port = request.getLocalPort();
        if (port == listeners.internalPort()) {
            if (!INTERNAL.matcher(path).matches()) {
                return new Refusal.NotFound("There is nothing at this path.");
            }
            Refusal refusal = OPERATOR.matcher(path).matches()
                    ? refusal(request, operatorToken, "skerry.control-plane.operator.token")
                    : refusal(request, internalToken, "skerry.control-plane.internal.token");
            if (refusal != null) {
                return refusal;
            }
        } else if (port != listeners.sandboxPort() || !SANDBOX.matcher(path).matches()) {
            return new Refusal.NotFound("There is nothing at this path.");
        }
        if (request.getContentLengthLong() > bodyLimit && !OBJECT.matcher(path).matches()) {
            return BoundedRequest.tooLarge(bodyLimit);
        }
        return null;
    }

    private static @Nullable Refusal refusal(HttpServletRequest request, byte[] token, String setting) {
        if (token.length == 0) {
            return new Refusal.NotFound("Set " + setting + " to have these calls.");
        }
        boolean presented = Bearer.of(request.getHeader(HttpHeaders.AUTHORIZATION))
                .map(given -> MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), token))
                .orElse(false);
        return presented ? null : new Refusal.Unauthorized("Present " + setting + " as the bearer token of this call.");
    }
}
