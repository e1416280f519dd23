package dev.skerry.api;

import dev.skerry.session.SessionState;
import dev.skerry.session.Timeouts;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.math.BigDecimal;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * How the api role behaves.
 *
 * @param defaultBudgetUsd what a session may spend when its creator names no budget, in US dollars
 * @param maximumBudgetUsd the largest budget that a session may ask for, in US dollars
 * @param defaultTimeouts what a session gets when its creator names no timeouts
 * @param replacementsPerTurn sandboxes that a turn may lose and still go on in a new one, for sessions that are created from now on
 * @param temporalUi base URL of Temporal's web interface, for links; none without it
 * @param temporalDurable false when Temporal forgets everything at a restart
 * @param temporalTimeout how long a request waits for Temporal
 * @param bootstrapKey a whole API key that is valid from the start, for the tenant {@code ten_default}
 * @param heartbeat how often an event stream without events says that it lives
 * @param maxStreams event streams that may be open at once
 * @param version of this build
 */
@Validated
@ConfigurationProperties("skerry.api")
public record ApiSettings(
        @DefaultValue("1.00") @DecimalMin("0.01") BigDecimal defaultBudgetUsd,
        @DefaultValue("1000") @DecimalMin("0.01") BigDecimal maximumBudgetUsd,
        @DefaultValue DefaultTimeouts defaultTimeouts,

        @DefaultValue("" + SessionState.USUAL_REPLACEMENTS) @Min(0) @Max(10)
        int replacementsPerTurn,

        @Nullable String temporalUi,
        @DefaultValue("true") boolean temporalDurable,
        @DefaultValue("PT10S") Duration temporalTimeout,
        @Nullable String bootstrapKey,
        @DefaultValue("PT15S") Duration heartbeat,
        @DefaultValue("4096") @Min(1) @Max(100_000) int maxStreams,
        @DefaultValue("unknown") String version) {

    public ApiSettings {
        if (defaultBudgetUsd.compareTo(maximumBudgetUsd) > 0) {
            throw new IllegalArgumentException(
                    "skerry.api.default-budget-usd is above skerry.api.maximum-budget-usd: lower the one or raise the other.");
        }
        if (!temporalTimeout.isPositive() || !heartbeat.isPositive()) {
            throw new IllegalArgumentException(
                    "skerry.api.temporal-timeout and skerry.api.heartbeat must be positive.");
        }
    }

    @Override
    public String toString() {
        return "ApiSettings[version=" + version + "]";
    }

    /**
     * What a session gets when its creator names no timeouts.
     *
     * @param idle awake without a message, then suspended
     * @param suspended frozen, then its VM is destroyed
     * @param lifetime from creation to the end
     */
    public record DefaultTimeouts(
            @DefaultValue("PT5M") Duration idle,
            @DefaultValue("P7D") Duration suspended,
            @DefaultValue("P30D") Duration lifetime) {

        public DefaultTimeouts {
            TimeoutBounds.IDLE.check("skerry.api.default-timeouts.idle", idle);
            TimeoutBounds.SUSPENDED.check("skerry.api.default-timeouts.suspended", suspended);
            TimeoutBounds.LIFETIME.check("skerry.api.default-timeouts.lifetime", lifetime);
        }

        public Timeouts timeouts() {
            return new Timeouts(idle, suspended, lifetime);
        }
    }
}
