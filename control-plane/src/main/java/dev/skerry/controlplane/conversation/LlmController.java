package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.identity.Caller;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;

/** Takes a sandbox's model calls. */
@RestController
class LlmController {
    private final ModelCalls calls;
    private final Relay relay;
    private final JsonMapper json;

    LlmController(ModelCalls calls, Relay relay, JsonMapper json) {
        this.calls = calls;
        this.relay = relay;
        this.json = json;
    }

    @PostMapping("/sandbox/v1/llm")
    void llm(
            Caller caller,
            @RequestBody LlmRequest request,
            @RequestHeader(name = HttpHeaders.ACCEPT, required = false) @Nullable String accept,
            HttpServletRequest servletRequest,
            HttpServletResponse response)
            throws InterruptedException, IOException {
        OngoingCall call = calls.join(caller, request);
        try (OngoingCall.Listener listener = call.listen()) {
            if (accept != null && accept.contains(MediaType.TEXT_EVENT_STREAM_VALUE)) {
                relay.stream(caller, listener, servletRequest, response);
            } else {
                byte[] body = json.writeValueAsBytes(relay.answer(listener));
                response.setContentType(MediaType.APPLICATION_JSON_VALUE);
                response.setContentLength(body.length);
                response.getOutputStream().write(body);
            }
        }
    }
}
