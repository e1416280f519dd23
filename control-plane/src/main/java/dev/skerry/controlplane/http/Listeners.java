package dev.skerry.controlplane.http;

import dev.skerry.controlplane.ControlPlaneSettings;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.AbstractProtocol;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.task.VirtualThreadTaskExecutor;
import org.springframework.stereotype.Component;

/** The listener for sandboxes and the one for workers: two ports of one server, told apart by the socket a request came in by. */
@Component
public class Listeners implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {
    private static final int CONNECTION_TIMEOUT_MILLIS = 20_000;

    private final ControlPlaneSettings settings;
    private @Nullable Connector internal;
    private volatile int sandboxPort;

    Listeners(ControlPlaneSettings settings) {
        this.settings = settings;
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        Connector connector = new Connector(TomcatServletWebServerFactory.DEFAULT_PROTOCOL);
        connector.setPort(settings.internal().port());
        connector.setXpoweredBy(false);
        if (connector.getProtocolHandler() instanceof AbstractProtocol<?> protocol) {
            protocol.setAddress(address(settings.internal().address()));
            protocol.setConnectionTimeout(CONNECTION_TIMEOUT_MILLIS);
            protocol.setExecutor(new VirtualThreadTaskExecutor("internal-"));
        }
        internal = connector;
        factory.addAdditionalConnectors(connector);
    }

    @EventListener
    void started(WebServerInitializedEvent event) {
        if (!WebServerApplicationContext.hasServerNamespace(event.getApplicationContext(), "management")) {
            sandboxPort = event.getWebServer().getPort();
        }
    }

    /** The port that sandboxes call, once the server runs. */
    public int sandboxPort() {
        return sandboxPort;
    }

    /** The port that workers call, once the server runs. */
    public int internalPort() {
        return internal == null ? -1 : internal.getLocalPort();
    }

    /** What sandboxes are told as {@code CONTROL_PLANE_URL}. */
    public String sandboxUrl() {
        return settings.sandboxUrl() == null
                ? "http://127.0.0.1:" + sandboxPort
                : settings.sandboxUrl().toString();
    }

    private static InetAddress address(String name) {
        try {
            return InetAddress.getByName(name);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(
                    "skerry.control-plane.internal.address must be an address of this machine.", e);
        }
    }
}
