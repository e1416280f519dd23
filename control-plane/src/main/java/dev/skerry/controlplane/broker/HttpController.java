package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.RefusedException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/** Takes a sandbox's brokered requests. */
@RestController
class HttpController {
    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9_-]{8,128}");

    private final Brokering brokering;

    HttpController(Brokering brokering) {
        this.brokering = brokering;
    }

    @PostMapping("/sandbox/v1/http")
    HttpAnswer http(
            Caller caller,
            @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
            @RequestBody HttpOrder order) {
        if (key == null || !KEY.matcher(key).matches()) {
            throw RefusedException.invalid(
                    "A brokered request needs an Idempotency-Key of 8 to 128 letters, digits, _ and -.");
        }
        return brokering.make(caller, key, order);
    }
}
