package dev.skerry.controlplane.http;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.ControlPlaneSettings.Limits;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.catalina.connector.Connector;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.event.EventListener;
import org.springframework.core.task.VirtualThreadTaskExecutor;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** The listener for sandboxes and the one for workers: two ports of one server, told apart by the socket a request came in by. */
@Component
public class Listeners implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {
    private final ControlPlaneSettings settings;
    private final ApplicationEventPublisher publisher;
    private final Counter slowHeads;
    private @Nullable Connector internal;
    private volatile int sandboxPort;
    private volatile List<SlowHeads> protocols = List.of();

    Listeners(ControlPlaneSettings settings, ApplicationEventPublisher publisher, MeterRegistry meters) {
        this.publisher = publisher;
        this.settings = settings;
        this.slowHeads = Counter.builder("skerry.http.slow.heads")
                .description("Connections closed because a request's head took too long.")
                .register(meters);
    }

    @Override
    public void customize(TomcatServletWebServerFactory factory) {
        factory.addEngineValves(new UnreadableRequests(publisher));
        factory.setProtocol(SlowHeads.class.getName());
        factory.addConnectorCustomizers(this::bound);
        Connector connector = new Connector(new SlowHeads());
        connector.setPort(settings.internal().port());
        bound(connector);
        if (connector.getProtocolHandler() instanceof SlowHeads protocol) {
            protocol.setAddress(address(settings.internal().address()));
            protocol.setExecutor(new VirtualThreadTaskExecutor("internal-"));
        }
        internal = connector;
        factory.addAdditionalConnectors(connector);
    }

    private void bound(Connector connector) {
        Limits limits = settings.limits();
        connector.setXpoweredBy(false);
        connector.setAllowTrace(false);
        connector.setMaxPostSize(0);
        if (connector.getProtocolHandler() instanceof SlowHeads protocol) {
            protocol.setMaxHttpRequestHeaderSize((int) limits.headers().toBytes());
            protocol.setConnectionTimeout((int) limits.readTime().toMillis());
            protocol.setKeepAliveTimeout((int) limits.keepAlive().toMillis());
            protocol.setMaxConnections(limits.connections());
            protocol.setMaxSwallowSize(0);
            protocols = Stream.concat(protocols.stream(), Stream.of(protocol)).toList();
        }
    }

    @Scheduled(fixedDelay = 1, timeUnit = TimeUnit.SECONDS)
    void closeSlowHeads() {
        protocols.forEach(
                protocol -> slowHeads.increment(protocol.close(settings.limits().headerTime())));
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
