package dev.skerry.worker;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The one switch between production and a machine of one's own, {@code skerry.sandbox.*}.
 *
 * @param mode what {@code skerry.worker.metros} are: metros of Unikraft Cloud or Docker Engines
 */
@ConfigurationProperties("skerry.sandbox")
record SandboxSettings(@DefaultValue("ukc") Mode mode) {
    enum Mode {
        UKC,
        DOCKER
    }
}
