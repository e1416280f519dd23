package dev.skerry.api.health;

import dev.skerry.api.ApiSettings;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What this installation is. */
@RestController
class InfoController {
    private final ApiSettings settings;

    InfoController(ApiSettings settings) {
        this.settings = settings;
    }

    /** The build, and where Temporal can be looked at. */
    record Installation(String version, @Nullable String temporalUi, boolean temporalDurable) {}

    @GetMapping("/v1/info")
    Installation info() {
        return new Installation(settings.version(), settings.temporalUi(), settings.temporalDurable());
    }
}
