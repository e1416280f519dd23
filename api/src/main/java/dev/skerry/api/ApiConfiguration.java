package dev.skerry.api;

import dev.skerry.session.Ulid;
import java.time.Clock;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The one clock and the one id generator. */
@Configuration(proxyBeanMethods = false)
class ApiConfiguration {
    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }

    @Bean
    Ulid ulid(Clock clock) {
        return new Ulid(clock);
    }
}
