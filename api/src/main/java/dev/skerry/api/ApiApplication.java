package dev.skerry.api;

import dev.skerry.store.StoreConfiguration;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.PropertySource;
import org.springframework.scheduling.annotation.EnableScheduling;

/** The api role; its settings are in {@code api.yaml}, not {@code application.yaml}, so that roles can share a class path. */
@SpringBootApplication(proxyBeanMethods = false)
@ConfigurationPropertiesScan
@EnableScheduling
@Import(StoreConfiguration.class)
@PropertySource("classpath:api-version.properties")
public class ApiApplication {
    ApiApplication() {}

    /** The role, ready to run. */
    public static SpringApplication application() {
        SpringApplication application = new SpringApplication(ApiApplication.class);
        application.setDefaultProperties(Map.of("spring.config.name", "api"));
        return application;
    }

    public static void main(String[] args) {
        application().run(args);
    }
}
