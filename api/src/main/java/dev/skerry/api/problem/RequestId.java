package dev.skerry.api.problem;

import jakarta.servlet.http.HttpServletRequest;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The id under which a request is found in the logs: the caller's own, when it is harmless. */
final class RequestId {
    static final String HEADER = "X-Request-ID";
    private static final String ATTRIBUTE = RequestId.class.getName();
    private static final Pattern HARMLESS = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private RequestId() {}

    static boolean harmless(@Nullable String id) {
        return id != null && HARMLESS.matcher(id).matches();
    }

    static void set(HttpServletRequest request, String id) {
        request.setAttribute(ATTRIBUTE, id);
    }

    static String of(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof String id ? id : "unknown";
    }
}
