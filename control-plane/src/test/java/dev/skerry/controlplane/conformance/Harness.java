package dev.skerry.controlplane.conformance;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.skerry.controlplane.ControlPlaneProcess;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.World;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Messages;
import dev.skerry.store.Messages.MessageRow;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;

/** Offers the conformance suite what it needs beside the protocol, as worker, API and a server on the internet would. */
final class Harness implements AutoCloseable {
    private final World world;
    private final Messages messages;
    private final Incarnations incarnations;
    private final ControlPlaneProcess plane;
    private final HttpServer server;
    private final HttpServer target;
    private final Map<String, AtomicInteger> hits = new ConcurrentHashMap<>();

    Harness(World world, Messages messages, Incarnations incarnations, ControlPlaneProcess plane, int targetPort) {
        this.world = world;
        this.messages = messages;
        this.incarnations = incarnations;
        this.plane = plane;
        this.server = serve(0, this::handle);
        this.target = serve(targetPort, this::hit);
    }

    private interface Handler {
        void handle(HttpExchange exchange) throws IOException;
    }

    private static HttpServer serve(int port, Handler handler) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext("/", exchange -> {
                try (exchange) {
                    handler.handle(exchange);
                }
            });
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void hit(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        String session = exchange.getRequestURI().getPath().split("/")[1];
        int hit = hits.computeIfAbsent(session, ignored -> new AtomicInteger()).incrementAndGet();
        send(exchange, 200, "hit " + hit);
    }

    private void handle(HttpExchange exchange) throws IOException {
        String[] path = exchange.getRequestURI().getPath().substring(1).split("/");
        JsonNode body = body(exchange);
        Object answer;
        if (path[0].equals("restart")) {
            plane.restart();
            answer = Map.of("url", plane.sandboxOrigin());
        } else if (path.length == 1) {
            answer = path[0].equals("sessions") ? Map.of("session", world.session()) : Map.of();
        } else {
            answer = session(path, body);
        }
        if (answer instanceof Answer refused) {
            send(exchange, 500, "the worker's call was refused: " + refused.text());
        } else {
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            send(exchange, 200, Http.text(answer));
        }
    }

    private static JsonNode body(HttpExchange exchange) throws IOException {
        byte[] bytes = exchange.getRequestBody().readAllBytes();
        return Http.tree(bytes.length == 0 ? "{}" : new String(bytes, java.nio.charset.StandardCharsets.UTF_8));
    }

    private Object session(String[] path, JsonNode body) {
        String session = path[1];
        String verb = path.length == 2 ? "look" : path[path.length - 1];
        return switch (verb) {
            case "look" -> look(session);
            case "boot" -> boot(session);
            case "turns" -> turn(session, body.path("text").asString(""));
            case "give" -> given(session, path[3]);
            case "cancel" -> done(worker(session, "/turns/" + path[3] + "/cancel", "{}"));
            case "flush" -> done(worker(session, "/incarnations/" + newest(session) + "/flush", "{'wait_seconds': 0}"));
            case "suspend" -> done(worker(session, "/incarnations/" + newest(session) + "/freeze", "{}"));
            case "resume" -> resume(session);
            case "end" ->
                done(worker(
                        session,
                        "/stop",
                        "{'transition': {'number': 90, 'status': 'terminating', 'incarnation': 1},"
                                + " 'turns': 'cancelled', 'reason': {'code': 'requested', 'message': 'Deleted.'}}"));
            case "target" ->
                Map.of("url", "http://127.0.0.1:" + target.getAddress().getPort() + "/" + session);
            default -> throw new IllegalArgumentException(verb);
        };
    }

    private Object look(String session) {
        List<String> roles =
                messages.list(session, 0, 100).stream().map(MessageRow::role).toList();
        return Map.of(
                "model_calls", count("model_calls where session_id = :session", session),
                "open_reservations", count("model_calls where session_id = :session and state = 'reserved'", session),
                "sandbox_logs", count("events where session_id = :session and type = 'sandbox.log'", session),
                "roles", roles,
                "target_hits", hits.getOrDefault(session, new AtomicInteger()).get());
    }

    private int count(String what, String session) {
        return world.jdbc()
                .sql("select count(*) from " + what)
                .param("session", session)
                .query(Integer.class)
                .single();
    }

    private Object boot(String session) {
        int number = newest(session) + 1;
        Answer opened = worker(session, "/incarnations", "{'number': " + number + ", 'resumes': null}");
        return opened.status() == 200
                ? Map.of(
                        "token", opened.body().path("boot_token").asString(""),
                        "url", plane.sandboxOrigin(),
                        "incarnation", number)
                : opened;
    }

    private Object resume(String session) {
        int frozen = newest(session);
        Answer opened = worker(session, "/incarnations", "{'number': " + (frozen + 1) + ", 'resumes': " + frozen + "}");
        return opened.status() == 200 ? Map.of("incarnation", frozen + 1) : opened;
    }

    private Object turn(String session, String text) {
        String turn = world.turn(session, text);
        if (incarnations
                .find(session, newest(session))
                .filter(row -> row.state().equals("live"))
                .isPresent()) {
            give(session, turn);
        }
        return Map.of("turn", turn);
    }

    private Object given(String session, String turn) {
        return done(give(session, turn));
    }

    private Answer give(String session, String turn) {
        String task = Base64.getEncoder().encodeToString("no activity".getBytes());
        return worker(session, "/incarnations/" + newest(session) + "/turns/" + turn, World.giving(task));
    }

    private static Object done(Answer answer) {
        return answer.status() < 300 ? Map.of() : answer;
    }

    private int newest(String session) {
        return incarnations.newest(session);
    }

    private Answer worker(String session, String path, String json) {
        return world.worker(plane.internalOrigin(), session, path, json);
    }

    private static void send(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
        target.stop(0);
    }
}
