package dev.skerry.metro;

import com.sun.net.httpserver.HttpExchange;
import dev.skerry.metro.Fault.Scope;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Lets a request in: token, size, form; then faults around whatever answers it. */
final class FrontDoor {
    private static final Logger log = LoggerFactory.getLogger(FrontDoor.class);
    private static final int MOST_BODY_BYTES = 8 << 20;

    private final Token token;
    private final Router router;
    private final Instances instances;
    private final Faults faults;
    private final StaleLists lists;
    private final Envelope envelope;
    private final JsonMapper json;

    FrontDoor(Token token, Router router, Instances instances, Faults faults, Envelope envelope, JsonMapper json) {
        this.token = token;
        this.router = router;
        this.instances = instances;
        this.faults = faults;
        this.lists = new StaleLists(faults);
        this.envelope = envelope;
        this.json = json;
    }

    Reply answer(HttpExchange exchange, String address) throws IOException {
        try {
            long began = System.nanoTime();
            if (!token.matches(exchange.getRequestHeaders().getFirst("Authorization"))) {
                return envelope.refusal(401, "Unauthorized");
            }
            byte[] bytes = exchange.getRequestBody().readNBytes(MOST_BODY_BYTES + 1);
            if (bytes.length > MOST_BODY_BYTES) {
                return envelope.refusal(413, "Request body too large");
            }
            List<String> path = path(exchange.getRequestURI().getRawPath());
            if (path.size() < 2 || !path.getFirst().equals("v1")) {
                return envelope.refusal(404, "No such endpoint");
            }
            JsonNode body = bytes.length == 0 ? json.createObjectNode() : json.readTree(bytes);
            if (!body.isObject() && !body.isArray()) {
                return envelope.refusal(400, "Malformed request: an object or a list is needed");
            }
            return around(
                    new Call(
                            exchange.getRequestMethod(),
                            path.subList(1, path.size()),
                            Query.parse(exchange.getRequestURI().getRawQuery()),
                            body,
                            exchange.getRequestHeaders().getFirst("Accept"),
                            began),
                    address);
        } catch (JacksonException e) {
            return envelope.refusal(400, "Malformed request");
        } catch (RequestException e) {
            return envelope.refusal(e.status(), String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            log.error("{} failed", exchange.getRequestMethod(), e);
            return envelope.refusal(500, "Internal error");
        }
    }

    private static List<String> path(String raw) {
        List<String> parts = new ArrayList<>();
        for (String part : raw.replaceAll("^/+|/+$", "").split("/", -1)) {
            try {
                parts.add(URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8));
            } catch (IllegalArgumentException e) {
                parts.add(part);
            }
        }
        return parts;
    }

    private Reply around(Call call, String address) {
        String operation = call.operation();
        List<String> names = call.names(instances);
        Optional<FaultRule> before = struck(Scope.BEFORE, operation, names);
        if (before.isPresent()) {
            FaultRule rule = before.get();
            if (rule.fault() != Fault.DELAY) {
                return failure(rule);
            }
            Faults.pause(rule.delayMillis());
        }
        Reply reply = lists.asSeen(call, router.route(call, address));
        Optional<FaultRule> after = struck(Scope.AFTER, operation, names);
        if (after.isPresent()) {
            FaultRule rule = after.get();
            if (rule.fault() != Fault.DELAY_AFTER) {
                return failure(rule);
            }
            Faults.pause(rule.delayMillis());
        }
        return reply;
    }

    private Optional<FaultRule> struck(Scope scope, String operation, List<String> names) {
        for (String name : names) {
            Optional<FaultRule> rule = faults.strike(scope, operation, name);
            if (rule.isPresent()) {
                return rule;
            }
        }
        return Optional.empty();
    }

    private Reply failure(FaultRule rule) {
        return switch (rule.fault()) {
            case THROTTLE ->
                new Reply.Whole(
                        429,
                        Envelope.JSON,
                        rule.retryAfterSeconds() > 0
                                ? Map.of("Retry-After", Long.toString(rule.retryAfterSeconds()))
                                : Map.of(),
                        "{\"status\":\"error\",\"message\":\"Too many requests\"}".getBytes(StandardCharsets.UTF_8));
            case HTML, HTML_AFTER ->
                new Reply.Whole(
                        rule.status(),
                        "text/html",
                        Map.of(),
                        ("<html><head><title>" + rule.status() + "</title></head><body><center><h1>" + rule.status()
                                        + "</h1></center><hr><center>openresty</center></body></html>\r\n")
                                .getBytes(StandardCharsets.UTF_8));
            default -> new Reply.Cut();
        };
    }
}
