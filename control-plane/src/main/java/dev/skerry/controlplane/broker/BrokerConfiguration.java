package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.ControlPlaneSettings;
import java.net.InetAddress;
import java.util.List;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Wires the way out. */
@Configuration(proxyBeanMethods = false)
class BrokerConfiguration {
    @Bean
    Resolver resolver() {
        return host -> List.of(InetAddress.getAllByName(host));
    }

    @Bean
    Dialer dialer(Resolver resolver, ControlPlaneSettings settings) {
        return new Dialer(resolver, new AddressGuard(settings.http().allowPrivate()));
    }
}
