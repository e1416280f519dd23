package dev.skerry.api.key;

import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerInterceptor;

/** Lets nobody reach a handler without a key, but for a short list of exact paths. */
@Component
class Authentication implements HandlerInterceptor {
    static final String ATTRIBUTE = Tenant.class.getName();
    private static final Set<String> OPEN = Set.of("/healthz", "/readyz", "/openapi.json");
    private static final String SCHEME = "Bearer ";

    private final KeyRing keys;

    Authentication(KeyRing keys) {
        this.keys = keys;
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (request.getDispatcherType() == DispatcherType.ERROR || OPEN.contains(request.getRequestURI())) {
            return true;
        }
        Tenant tenant = bearer(request.getHeader("Authorization"))
                .flatMap(ApiKey::parse)
                .flatMap(keys::tenantOf)
                .orElseThrow(() -> new ApiException(
                        ProblemCode.UNAUTHORIZED, "Send a valid API key: Authorization: Bearer sk_skerry_..."));
        request.setAttribute(ATTRIBUTE, tenant);
        MDC.put("tenant", tenant.id());
        return true;
    }

    private static Optional<String> bearer(@Nullable String header) {
        return header != null && header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                ? Optional.of(header.substring(SCHEME.length()).strip())
                : Optional.empty();
    }
}
