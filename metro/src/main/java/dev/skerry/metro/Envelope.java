package dev.skerry.metro;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The platform's envelope: a status over all items, and one in each. */
final class Envelope {
    static final String JSON = "application/json";
    private static final String TIMED_OUT = "Operation timed out";

    private final JsonMapper json;

    Envelope(JsonMapper json) {
        this.json = json;
    }

    Reply items(String key, List<ObjectNode> items, long began) {
        long failed = items.stream()
                .filter(item -> item.path("status").asString("").equals("error"))
                .count();
        boolean lapsed = items.stream().anyMatch(item -> item.has("lapsed"));
        ObjectNode envelope = json.createObjectNode();
        envelope.put("status", failed == 0 ? "success" : failed == items.size() ? "error" : "partial_success");
        if (failed > 0) {
            envelope.put("message", lapsed ? TIMED_OUT : "Failed to perform all operations");
        }
        ArrayNode array = envelope.putObject("data").putArray(key);
        items.forEach(item -> {
            item.remove("lapsed");
            array.add(item);
        });
        return sent(200, envelope, began);
    }

    Reply data(JsonNode data, long began) {
        ObjectNode envelope = json.createObjectNode().put("status", "success");
        envelope.set("data", data);
        return sent(200, envelope, began);
    }

    Reply refusal(int status, String message) {
        ObjectNode envelope = json.createObjectNode().put("status", "error").put("message", message);
        envelope.putArray("errors").addObject().put("status", status).put("message", message);
        return new Reply.Whole(status, JSON, Map.of(), json.writeValueAsBytes(envelope));
    }

    Reply text(String type, String text) {
        return new Reply.Whole(200, type, Map.of(), text.getBytes(StandardCharsets.UTF_8));
    }

    private Reply sent(int status, ObjectNode envelope, long began) {
        envelope.put("op_time_us", (System.nanoTime() - began) / 1_000);
        return new Reply.Whole(status, JSON, Map.of(), json.writeValueAsBytes(envelope));
    }

    /** Marks an item as one whose wait ended before what it waited for; the envelope takes the mark off again. */
    static ObjectNode lapsed(ObjectNode item) {
        return item.put("status", "error").put("lapsed", true);
    }

    ObjectNode failure(JsonNode item, ItemException e) {
        ObjectNode failure = json.createObjectNode().put("status", "error");
        for (String id : List.of("uuid", "name", "id")) {
            if (item.path(id).isString()) {
                failure.put(id, item.path(id).asString());
            }
        }
        return failure.put("message", Objects.toString(e.getMessage())).put("error", e.code());
    }
}
