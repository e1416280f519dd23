package dev.skerry.worker;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** The worker role; its settings are in {@code worker.yaml}. */
@SpringBootApplication(proxyBeanMethods = false)
@ConfigurationPropertiesScan
public class WorkerApplication {
    WorkerApplication() {}

    /** The role, ready to run. */
    public static SpringApplication application() {
        SpringApplication application = new SpringApplication(WorkerApplication.class);
        application.setDefaultProperties(Map.of("spring.config.name", "worker"));
        return application;
    }

    public static void main(String[] args) {
        application().run(args);
    }
}
