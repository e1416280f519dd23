package dev.skerry.controlplane;

import dev.skerry.session.Ulid;
import dev.skerry.store.StoreConfiguration;
import java.time.Clock;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.scheduling.annotation.EnableScheduling;

/** The control plane role; its settings are in {@code control-plane.yaml}. */
@SpringBootApplication(proxyBeanMethods = false)
@ConfigurationPropertiesScan
@EnableScheduling
@Import(StoreConfiguration.class)
public class ControlPlaneApplication {
    ControlPlaneApplication() {}

    /** The role, ready to run. */
    public static SpringApplication application() {
        SpringApplication application = new SpringApplication(ControlPlaneApplication.class);
        application.setDefaultProperties(Map.of("spring.config.name", "control-plane"));
        return application;
    }

    public static void main(String[] arguments) {
        application().run(arguments);
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
