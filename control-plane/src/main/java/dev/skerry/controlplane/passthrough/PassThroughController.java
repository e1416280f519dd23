package dev.skerry.controlplane.passthrough;

import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.identity.Callers;
import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelInfo;
import dev.skerry.controlplane.problem.RefusedException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Takes model calls in the providers' own forms. */
@RestController
@RequestMapping("/sandbox/v1/llm")
class PassThroughController {
    private static final Dialect CHAT = new ChatCompletions();
    private static final Dialect RESPONSES = new Responses();
    private static final Dialect MESSAGES = new Messages();
    private static final long EPOCH = 1_700_000_000L;

    private final Passing passing;
    private final Callers callers;
    private final ModelCatalogue catalogue;
    private final JsonMapper json;

    PassThroughController(Passing passing, Callers callers, ModelCatalogue catalogue, JsonMapper json) {
        this.passing = passing;
        this.callers = callers;
        this.catalogue = catalogue;
        this.json = json;
    }

    record Model(String id, String object, long created, String ownedBy) {}

    @PostMapping("/openai/v1/chat/completions")
    void chatCompletions(Caller caller, HttpServletRequest request, HttpServletResponse response) throws IOException {
        pass(CHAT, caller, request, response);
    }

    @PostMapping("/openai/v1/responses")
    void responses(Caller caller, HttpServletRequest request, HttpServletResponse response) throws IOException {
        pass(RESPONSES, caller, request, response);
    }

    @PostMapping("/anthropic/v1/messages")
    void messages(Caller caller, HttpServletRequest request, HttpServletResponse response) throws IOException {
        pass(MESSAGES, caller, request, response);
    }

    @GetMapping("/openai/v1/models")
    Map<String, Object> models(Caller caller) {
        callers.recheck(caller);
        List<Model> listed = catalogue.models().stream()
                .filter(model -> model.provider().equals(CHAT.provider()))
                .map(ModelInfo::id)
                .map(id -> new Model(id, "model", EPOCH, "skerry"))
                .toList();
        return Map.of("object", "list", "data", listed);
    }

    @RequestMapping({"/openai/**", "/anthropic/**"})
    void other(Caller caller) {
        callers.recheck(caller);
        throw new NotPassed(404, "not_found", null, "This gateway does not pass this call on.");
    }

    /** In whose form a request is answered. */
    static Dialect dialect(HttpServletRequest request) {
        return request.getRequestURI().startsWith("/sandbox/v1/llm/anthropic/") ? MESSAGES : CHAT;
    }

    /** A refusal is told only to a caller that still counts; another one is told that it does not. */
    private void pass(Dialect dialect, Caller caller, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        try {
            passing.pass(dialect, caller, body(request), response);
        } catch (NotPassed | RefusedException e) {
            callers.recheck(caller);
            throw e;
        }
    }

    private ObjectNode body(HttpServletRequest request) throws IOException {
        try {
            if (json.readTree(request.getInputStream().readAllBytes()) instanceof ObjectNode body) {
                return body;
            }
        } catch (JacksonException e) {
            throw new NotPassed(400, "invalid_request", null, "The body is not JSON.");
        }
        throw new NotPassed(400, "invalid_request", null, "The body is not a JSON object.");
    }
}
