package dev.skerry.api;

import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.validation.annotation.Validated;

/**
 * Which Skerry this is. Without a default on purpose: two installations of one name would destroy each other's VMs.
 *
 * @param installation at most 12 lower-case letters and digits, the same for every role
 */
@Validated
@ConfigurationProperties("skerry")
public record InstallationSettings(
        @NotNull(message = "Set skerry.installation to a name that no other Skerry of your provider account has.")
        @Pattern(regexp = "[a-z0-9]{1,12}", message = "At most 12 lower-case letters and digits.")
        String installation) {}
