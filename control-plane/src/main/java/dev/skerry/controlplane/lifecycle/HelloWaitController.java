package dev.skerry.controlplane.lifecycle;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Incarnations.IncarnationRow;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Says whether an incarnation said hello, or remembers who waits for it. */
@RestController
class HelloWaitController {
    private final Incarnations incarnations;
    private final JsonMapper json;

    HelloWaitController(Incarnations incarnations, JsonMapper json) {
        this.incarnations = incarnations;
        this.json = json;
    }

    record Report(String driver, int passed, int failed, int unsupported) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Answer(
            String state, @Nullable Report report, @Nullable String reason) {}

    @PostMapping("/internal/v1/sessions/{session}/incarnations/{number}/hello")
    Answer await(@PathVariable String session, @PathVariable int number, @RequestBody TaskToken token) {
        incarnations.awaitHello(session, number, token.bytes());
        IncarnationRow row = incarnations.find(session, number).orElseThrow(IncarnationController::unknown);
        if (row.refusal() != null) {
            return new Answer("refused", null, row.refusal());
        }
        if (row.state().equals("closed")) {
            throw new RefusedException(new Refusal.Superseded());
        }
        return row.helloAt() == null ? new Answer("waiting", null, null) : new Answer("ready", report(row), null);
    }

    private Report report(IncarnationRow row) {
        JsonNode probes = json.readTree(Objects.requireNonNullElse(row.probes(), "[]"));
        return new Report(
                Objects.requireNonNullElse(row.driver(), "plain"),
                count(probes, "pass"),
                count(probes, "fail"),
                count(probes, "unsupported"));
    }

    private static int count(JsonNode probes, String result) {
        return (int) probes.valueStream()
                .filter(probe -> probe.path("result").asString("").equals(result))
                .count();
    }
}
