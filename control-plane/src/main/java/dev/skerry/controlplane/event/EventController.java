package dev.skerry.controlplane.event;

import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Takes a sandbox's events. */
@RestController
class EventController {
    private static final int MOST_BYTES = 256 * 1024;

    private final SandboxEvents events;
    private final JsonMapper json;

    EventController(SandboxEvents events, JsonMapper json) {
        this.events = events;
        this.json = json;
    }

    record Batch(@Nullable List<@Nullable ReportedEvent> events) {}

    record Accepted(long acceptedUpTo) {}

    @PostMapping("/sandbox/v1/events")
    Accepted events(Caller caller, HttpServletRequest request) throws IOException {
        byte[] body = request.getInputStream().readNBytes(MOST_BYTES + 1);
        if (body.length > MOST_BYTES) {
            throw new RefusedException(
                    new Refusal.TooLarge("One call may carry " + MOST_BYTES + " bytes of events at most."));
        }
        Batch batch = parse(body);
        if (batch.events() == null) {
            throw RefusedException.invalid("events must be a list.");
        }
        return new Accepted(events.accept(caller, batch.events()));
    }

    private Batch parse(byte[] body) {
        try {
            return json.readValue(body, Batch.class);
        } catch (JacksonException e) {
            throw new RefusedException(
                    new Refusal.Malformed("The body must be {\"events\": [{\"seq\", \"type\", \"at\", \"data\"}]}."));
        }
    }
}
