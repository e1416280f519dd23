package dev.skerry.controlplane;

import dev.skerry.session.Ulid;
import dev.skerry.store.StoreConfiguration;
import java.time.Clock;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** Runs the control plane. */
@SpringBootApplication(proxyBeanMethods = false)
@ConfigurationPropertiesScan
@Import(StoreConfiguration.class)
public class ControlPlaneApplication {
    public static void main(String[] arguments) {
        SpringApplication.run(ControlPlaneApplication.class, arguments);
    }

    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    @Bean
    Ulid ids(Clock clock) {
        return new Ulid(clock);
    }
}
