package dev.skerry.controlplane.http;

import dev.skerry.controlplane.problem.UnreadableRequest;
import jakarta.servlet.ServletException;
import java.io.IOException;
import org.apache.catalina.AccessLog;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.springframework.context.ApplicationEventPublisher;

/** Tells of requests that Tomcat itself refused, before any filter saw them: malformed heads, huge headers, two lengths. */
final class UnreadableRequests extends ValveBase implements AccessLog {
    private static final int CLIENT_ERROR = 400;

    private final ApplicationEventPublisher publisher;

    UnreadableRequests(ApplicationEventPublisher publisher) {
        super(true);
        this.publisher = publisher;
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        getNext().invoke(request, response);
    }

    @Override
    public void log(Request request, Response response, long time) {
        if (response.getStatus() >= CLIENT_ERROR && response.getHeader(Gate.REQUEST_ID_HEADER) == null) {
            publisher.publishEvent(new UnreadableRequest(response.getStatus()));
        }
    }

    @Override
    public void setRequestAttributesEnabled(boolean enabled) {
        throw new UnsupportedOperationException("Nothing of a request is logged.");
    }

    @Override
    public boolean getRequestAttributesEnabled() {
        return false;
    }
}
