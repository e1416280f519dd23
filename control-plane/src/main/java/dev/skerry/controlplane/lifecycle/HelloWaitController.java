package dev.skerry.controlplane.lifecycle;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.turn.Wakeups;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Incarnations.IncarnationRow;
import dev.skerry.store.Sessions;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** Waits for an incarnation's hello, a few seconds at a time. */
@RestController
class HelloWaitController {
    private static final int LONGEST_WAIT_SECONDS = 30;

    private final Incarnations incarnations;
    private final Sessions sessions;
    private final Wakeups wakeups;

    HelloWaitController(Incarnations incarnations, Sessions sessions, Wakeups wakeups) {
        this.incarnations = incarnations;
        this.sessions = sessions;
        this.wakeups = wakeups;
    }

    record Wait(int waitSeconds) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Answer(String state, @Nullable String reason) {}

    @PostMapping("/internal/v1/sessions/{session}/incarnations/{number}/hello")
    Answer await(@PathVariable String session, @PathVariable int number, @RequestBody Wait wait)
            throws InterruptedException {
        long deadline = System.nanoTime()
                + Duration.ofSeconds(Math.clamp(wait.waitSeconds(), 0, LONGEST_WAIT_SECONDS))
                        .toNanos();
        try (Wakeups.Subscription news = wakeups.subscribe(session)) {
            while (true) {
                IncarnationRow row = incarnations.find(session, number).orElseThrow(IncarnationController::unknown);
                if (row.refusal() != null) {
                    return new Answer("refused", row.refusal());
                }
                if (row.state().equals("closed")) {
                    throw new RefusedException(new Refusal.Superseded());
                }
                if (row.helloAt() != null) {
                    sessions.awake(session);
                    return new Answer("ready", null);
                }
                Duration left = Duration.ofNanos(deadline - System.nanoTime());
                if (!left.isPositive() || wakeups.draining()) {
                    return new Answer("waiting", null);
                }
                news.await(left);
            }
        }
    }
}
