package dev.skerry.metro;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Arms and disarms faults, on a port and with a token of its own. */
final class FaultAdmin implements AutoCloseable {
    private static final int MOST_BODY_BYTES = 1 << 20;
    private static final String PATH = "/v1/faults";

    private final HttpServer http;
    private final Token token;
    private final Faults faults;
    private final JsonMapper json;

    FaultAdmin(String address, FaultySettings settings, Faults faults, JsonMapper json) throws IOException {
        this.token = new Token(settings.token());
        this.faults = faults;
        this.json = json;
        this.http = HttpServer.create(new InetSocketAddress(address, settings.port()), 0);
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/", this::handle);
        http.start();
    }

    int port() {
        return http.getAddress().getPort();
    }

    private record Answer(int status, JsonNode body) {}

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer;
            try {
                answer = answer(exchange);
            } catch (JacksonException e) {
                answer = refusal(400, "Malformed JSON");
            } catch (ItemException e) {
                answer = refusal(400, String.valueOf(e.getMessage()));
            }
            byte[] bytes = json.writeValueAsBytes(answer.body());
            exchange.getResponseHeaders().set("Content-Type", Envelope.JSON);
            exchange.sendResponseHeaders(answer.status(), bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException, ItemException {
        if (!token.matches(exchange.getRequestHeaders().getFirst("Authorization"))) {
            return refusal(401, "Unauthorized");
        }
        String path = exchange.getRequestURI().getPath();
        if (!path.equals(PATH) && !path.startsWith(PATH + "/")) {
            return refusal(404, "No such endpoint");
        }
        return switch (exchange.getRequestMethod()) {
            case "GET" -> new Answer(200, listing());
            case "POST" -> added(exchange, false);
            case "PUT" -> added(exchange, true);
            case "DELETE" -> {
                if (path.equals(PATH)) {
                    faults.clear();
                } else if (!faults.remove(path.substring(PATH.length() + 1))) {
                    yield refusal(404, "No such rule");
                }
                yield new Answer(200, listing());
            }
            default -> refusal(405, "Wrong method");
        };
    }

    private Answer added(HttpExchange exchange, boolean instead) throws IOException, ItemException {
        byte[] bytes = exchange.getRequestBody().readNBytes(MOST_BODY_BYTES);
        JsonNode body = json.readTree(bytes);
        if (instead) {
            faults.clear();
        }
        for (JsonNode rule : body.isArray() ? body.valueStream().toList() : java.util.List.of(body)) {
            faults.add(Fields.of(rule));
        }
        return new Answer(200, listing());
    }

    private JsonNode listing() {
        ObjectNode listing = json.createObjectNode();
        ArrayNode rules = listing.putArray("rules");
        faults.rules().forEach(rule -> rules.add(rule.view(json)));
        return listing;
    }

    private Answer refusal(int status, String message) {
        return new Answer(status, json.createObjectNode().put("message", message));
    }

    @Override
    public void close() {
        http.stop(0);
    }
}
