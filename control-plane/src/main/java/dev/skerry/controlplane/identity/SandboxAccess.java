package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.http.Bearer;
import dev.skerry.controlplane.http.InProgress;
import dev.skerry.controlplane.problem.RefusedException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.context.request.RequestAttributes;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Authenticates every sandbox call before its body is read, and serves one session only so many at once.
 *
 * <p>Two kinds of path have a proof of their own: hello (boot token) and object bytes (signed URL). A call that passes through to a
 * model provider is recognised first and admitted by the statement that reserves its cost.
 */
@Component
class SandboxAccess implements HandlerInterceptor, HandlerMethodArgumentResolver, WebMvcConfigurer {
    static final String HELLO = "/sandbox/v1/hello";
    private static final String OBJECTS = "/sandbox/v1/objects/**";
    private static final String PASS_THROUGH = "/sandbox/v1/llm/";
    private static final String ATTRIBUTE = Caller.class.getName();

    private final Callers callers;
    private final ApplicationEventPublisher publisher;
    private final InProgress inProgress;

    SandboxAccess(Callers callers, ApplicationEventPublisher publisher, InProgress inProgress) {
        this.callers = callers;
        this.publisher = publisher;
        this.inProgress = inProgress;
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).addPathPatterns("/sandbox/**").excludePathPatterns(HELLO, OBJECTS);
    }

    @Override
    public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
        resolvers.add(this);
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        String token = Bearer.of(request.getHeader(HttpHeaders.AUTHORIZATION))
                .or(() -> apiKey(request))
                .orElseThrow(() -> new RefusedException(Callers.unknown()));
        Caller caller = passesThrough(request) ? callers.recognise(token) : callers.authenticate(token);
        MDC.put("session", caller.session());
        MDC.put("incarnation", Integer.toString(caller.incarnation()));
        request.setAttribute(ATTRIBUTE, caller);
        inProgress.enter(caller.session());
        publisher.publishEvent(caller);
        return true;
    }

    /** Where a model provider's SDK puts what it takes for a key. */
    private static Optional<String> apiKey(HttpServletRequest request) {
        return passesThrough(request) ? Bearer.of("Bearer " + request.getHeader("x-api-key")) : Optional.empty();
    }

    private static boolean passesThrough(HttpServletRequest request) {
        return request.getRequestURI().startsWith(PASS_THROUGH);
    }

    @Override
    public void afterCompletion(
            HttpServletRequest request, HttpServletResponse response, Object handler, @Nullable Exception failure) {
        if (request.getAttribute(ATTRIBUTE) instanceof Caller caller) {
            inProgress.leave(caller.session());
        }
    }

    @Override
    public boolean supportsParameter(MethodParameter parameter) {
        return parameter.getParameterType() == Caller.class;
    }

    @Override
    public Object resolveArgument(
            MethodParameter parameter,
            @Nullable ModelAndViewContainer container,
            NativeWebRequest request,
            @Nullable WebDataBinderFactory binders) {
        return Objects.requireNonNull(
                request.getAttribute(ATTRIBUTE, RequestAttributes.SCOPE_REQUEST),
                "A handler that takes a caller must be behind the interceptor.");
    }
}
