package dev.skerry.controlplane.identity;

import dev.skerry.controlplane.http.Bearer;
import dev.skerry.controlplane.problem.RefusedException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/** Takes a sandbox's first call. */
@RestController
class HelloController {
    private final Greeting greeting;

    HelloController(Greeting greeting) {
        this.greeting = greeting;
    }

    @PostMapping(SandboxAccess.HELLO)
    Welcome hello(
            @RequestHeader(name = HttpHeaders.AUTHORIZATION, required = false) @Nullable String authorization,
            @RequestBody Hello hello) {
        String bearer = Bearer.of(authorization).orElseThrow(() -> new RefusedException(Callers.unknown()));
        return greeting.greet(bearer, Report.of(hello));
    }
}
