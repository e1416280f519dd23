package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.conversation.OngoingCall.News;
import dev.skerry.controlplane.identity.Caller;
import dev.skerry.controlplane.problem.Problem;
import dev.skerry.controlplane.problem.ProblemWriter;
import dev.skerry.controlplane.problem.RefusedCall;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.turn.Life;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Passes a model call's news on to the sandbox that waits for it, as one JSON answer or as a stream of events. */
@Component
class Relay {
    private static final Duration QUIET = Duration.ofSeconds(3);

    private final JsonMapper json;
    private final ProblemWriter problems;
    private final Life life;
    private final ApplicationEventPublisher publisher;

    Relay(JsonMapper json, ProblemWriter problems, Life life, ApplicationEventPublisher publisher) {
        this.publisher = publisher;
        this.json = json;
        this.problems = problems;
        this.life = life;
    }

    /** Waits for the end; throws {@link RefusedException} when that is a refusal. */
    Answer answer(OngoingCall.Listener listener) throws InterruptedException {
        while (true) {
            switch (listener.next(QUIET)) {
                case News.Answered(Answer answer) -> {
                    return answer;
                }
                case News.Refused(var refusal) -> throw new RefusedException(refusal);
                case News.Begun ignored -> {}
                case News.Delta ignored -> {}
                case null -> {}
            }
        }
    }

    /** Streams until the end; a refusal before the call began is thrown, a later one is the stream's last event. */
    void stream(Caller caller, OngoingCall.Listener listener, HttpServletRequest request, HttpServletResponse response)
            throws InterruptedException, IOException {
        News first = listener.next(QUIET);
        while (first == null) {
            first = listener.next(QUIET);
        }
        if (first instanceof News.Refused(var refusal)) {
            throw new RefusedException(refusal);
        }
        response.setContentType(MediaType.TEXT_EVENT_STREAM_VALUE);
        response.setCharacterEncoding(StandardCharsets.UTF_8);
        response.setHeader("Cache-Control", "no-store");
        OutputStream output = response.getOutputStream();
        boolean more = pass(first, request, output);
        while (more) {
            output.flush();
            life.sign(caller);
            more = pass(listener.next(QUIET), request, output);
        }
        output.flush();
    }

    private boolean pass(@Nullable News news, HttpServletRequest request, OutputStream output) throws IOException {
        switch (news) {
            case News.Delta(String text) -> event(output, "delta", Map.of("text", text));
            case News.Answered(Answer answer) -> {
                event(output, "message", answer);
                return false;
            }
            case News.Refused(var refusal) -> {
                publisher.publishEvent(new RefusedCall(request, new RefusedException(refusal)));
                Problem problem = problems.problem(refusal);
                event(output, "error", problem);
                return false;
            }
            case News.Begun ignored -> comment(output);
            case null -> comment(output);
        }
        return true;
    }

    private void event(OutputStream output, String name, Object data) throws IOException {
        output.write(("event: " + name + "\ndata: ").getBytes(StandardCharsets.UTF_8));
        output.write(json.writeValueAsBytes(data));
        output.write("\n\n".getBytes(StandardCharsets.UTF_8));
    }

    private static void comment(OutputStream output) throws IOException {
        output.write(": keep-alive\n\n".getBytes(StandardCharsets.UTF_8));
    }
}
