package dev.skerry.api.health;

import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** For whoever restarts this process, and for whoever sends it requests. */
@RestController
class HealthController {
    private static final String OK = "ok";
    private static final String UNAVAILABLE = "unavailable";

    private final Readiness readiness;

    HealthController(Readiness readiness) {
        this.readiness = readiness;
    }

    /** That this process answers at all. */
    record Health(String status) {}

    /** Whether this process can work, and what it lacks. */
    record Ready(String status, Map<String, String> checks) {}

    @GetMapping("/healthz")
    Health health() {
        return new Health(OK);
    }

    @GetMapping("/readyz")
    ResponseEntity<Ready> ready() throws InterruptedException {
        Map<String, String> checks = new LinkedHashMap<>();
        readiness.check().forEach((name, ok) -> checks.put(name, ok ? OK : UNAVAILABLE));
        boolean ready = !checks.containsValue(UNAVAILABLE);
        return ResponseEntity.status(ready ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE)
                .body(new Ready(ready ? OK : UNAVAILABLE, checks));
    }
}
