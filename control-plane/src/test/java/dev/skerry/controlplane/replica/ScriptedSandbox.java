package dev.skerry.controlplane.replica;

import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModels;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import okhttp3.ConnectionPool;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import tools.jackson.databind.JsonNode;

/**
 * A sandbox as the protocol has it: it polls, streams a model call with its tool, passes another one through, reports the outcome, and
 * asks again whatever was not answered. A connection for each request, so that a balancer decides about each.
 */
final class ScriptedSandbox {
    private static final MediaType JSON = MediaType.get("application/json");
    private static final OkHttpClient CLIENT = new OkHttpClient.Builder()
            .connectionPool(new ConnectionPool(0, 1, TimeUnit.SECONDS))
            .retryOnConnectionFailure(false)
            .readTimeout(Duration.ofSeconds(40))
            .build();

    private final Sandbox sandbox;
    private final String marker;
    private final long deadline;
    private final BlockingQueue<String> finished = new LinkedBlockingQueue<>();
    private final List<String> turns = new ArrayList<>();
    private final AtomicInteger passed = new AtomicInteger();
    private final AtomicInteger brokenPolls = new AtomicInteger();
    private final AtomicInteger brokenStreams = new AtomicInteger();
    private final ConcurrentLinkedQueue<String> troubles = new ConcurrentLinkedQueue<>();
    private volatile boolean over;

    /** {@code marker} goes into the text of what it passes through; after {@code patience} it gives up. */
    ScriptedSandbox(Sandbox sandbox, String marker, Duration patience) {
        this.sandbox = sandbox;
        this.marker = marker;
        this.deadline = System.nanoTime() + patience.toNanos();
    }

    Sandbox identity() {
        return sandbox;
    }

    /** Turns that it has reported the outcome of, in the order in which it was given them. */
    List<String> turns() {
        return turns;
    }

    /** Passed answers that it received whole. */
    int passed() {
        return passed.get();
    }

    int brokenPolls() {
        return brokenPolls.get();
    }

    int brokenStreams() {
        return brokenStreams.get();
    }

    /** What it asked again for. */
    List<String> troubles() {
        return List.copyOf(troubles);
    }

    /** Waits until it has reported another turn's outcome. */
    String awaitTurn() throws InterruptedException {
        String turn = finished.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        if (turn == null) {
            throw new AssertionError(sandbox.session() + " did not end its turn: " + troubles);
        }
        return turn;
    }

    void stop() {
        over = true;
    }

    /** Takes turns until it is stopped. */
    void work() {
        while (!over) {
            JsonNode turn = poll().path("turn");
            if (turn.isObject()) {
                run(turn.path("id").asString(), turn.path("next_seq").asInt());
            }
        }
    }

    private JsonNode poll() {
        Reply reply = until("GET", "/next?wait=5", null, false, brokenPolls);
        return reply.status() == 204 ? Http.tree("{}") : Http.tree(reply.text());
    }

    private void run(String turn, int firstSeq) {
        List<Map<String, Object>> results = List.of();
        JsonNode content;
        int seq = firstSeq;
        do {
            content = ask(turn, seq, results).path("message").path("content");
            results = content.valueStream()
                    .filter(block -> block.path("type").asString().equals("tool_call"))
                    .map(call -> result(call.path("id").asString()))
                    .toList();
            seq++;
        } while (!results.isEmpty());
        pass(turn);
        Map<String, Object> outcome = Map.of("status", "completed", "result", "done", "files", List.of());
        until("POST", "/turns/" + turn + "/outcome", Http.text(outcome), false, brokenPolls);
        turns.add(turn);
        finished.add(turn);
    }

    private static Map<String, Object> result(String call) {
        return Map.of(
                "role",
                "tool",
                "tool_call_id",
                call,
                "content",
                List.of(Map.of("type", "text", "text", "mild")),
                "is_error",
                false);
    }

    private JsonNode ask(String turn, int seq, List<Map<String, Object>> results) {
        String body = Http.text(Map.of("turn", turn, "seq", seq, "new_messages", results));
        while (true) {
            String events = until("POST", "/llm", body, true, brokenStreams).text();
            int message = events.indexOf("event: message\ndata: ");
            if (message >= 0) {
                return Http.tree(events.substring(message + "event: message\ndata: ".length())
                        .strip());
            }
            again("llm " + turn + " " + seq + " ended with " + events, 0);
        }
    }

    /** As a provider's SDK does: a stream that broke is another call. */
    private void pass(String turn) {
        String body = Http.text(Map.of(
                "model",
                TestingModels.ANTHROPIC_MODEL,
                "max_tokens",
                1000,
                "stream",
                true,
                "messages",
                List.of(Map.of("role", "user", "content", marker + " passes in " + turn))));
        while (!until("POST", "/llm/anthropic/v1/messages", body, true, brokenStreams)
                .text()
                .contains("event: message_stop")) {
            again("a passed stream did not end", 0);
        }
        passed.incrementAndGet();
    }

    private record Reply(int status, String text) {}

    private Reply until(String method, String path, String body, boolean streamed, AtomicInteger broken) {
        Request.Builder request = new Request.Builder()
                .url(sandbox.origin() + "/sandbox/v1" + path)
                .header("Authorization", "Bearer " + sandbox.token())
                .header("Connection", "close")
                .method(method, body == null ? null : RequestBody.create(body, JSON));
        if (streamed) {
            request.header("Accept", "text/event-stream");
        }
        while (true) {
            try (Response response = CLIENT.newCall(request.build()).execute()) {
                String text = response.body().string();
                if (response.isSuccessful()) {
                    return new Reply(response.code(), text);
                }
                if (response.code() != 429 && response.code() != 503) {
                    throw new AssertionError(
                            sandbox.session() + " " + path + ": HTTP " + response.code() + " " + text + troubles);
                }
                again(
                        path + " HTTP " + response.code() + " " + text,
                        Integer.parseInt(response.header("Retry-After", "0")));
            } catch (IOException e) {
                broken.incrementAndGet();
                again(path + " " + e, 0);
            }
        }
    }

    private void again(String trouble, int afterSeconds) {
        troubles.add(trouble);
        if (System.nanoTime() > deadline) {
            throw new AssertionError(sandbox.session() + " gives up: " + troubles);
        }
        long jitter = ThreadLocalRandom.current().nextLong(50, 150);
        LockSupport.parkNanos(
                Duration.ofMillis(Math.min(afterSeconds, 1) * 500L + jitter).toNanos());
    }
}
