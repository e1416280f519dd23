package dev.skerry.api.workflow;

import dev.skerry.temporal.TemporalSettings;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Where Temporal is.
 *
 * @param target host and port of the frontend's gRPC endpoint
 * @param namespace the namespace that holds the sessions
 */
@ConfigurationProperties("skerry.temporal")
public record TemporalProperties(
        @DefaultValue("127.0.0.1:7233") String target,
        @DefaultValue("default") String namespace) {
    TemporalSettings settings() {
        return new TemporalSettings(target, namespace);
    }
}
