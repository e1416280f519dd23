package dev.skerry.cli.client;

import tools.jackson.databind.JsonNode;

/**
 * One thing that happened in a session.
 *
 * @param id its place in the session's log; 0 for what is not kept, such as pieces of a model's answer
 * @param json the whole event as the API sent it
 */
public record SessionEvent(long id, JsonNode json) {
    static SessionEvent of(JsonNode json) {
        return new SessionEvent(json.path("id").asLong(0), json);
    }

    public String type() {
        return json.path("type").asString("");
    }

    /** Empty when it belongs to no turn. */
    public String turn() {
        return json.path("turn").asString("");
    }

    public JsonNode data() {
        return json.path("data");
    }

    /** A text field of the data; empty when absent. */
    public String text(String field) {
        return data().path(field).asString("");
    }

    /** Nothing can follow it. */
    public boolean isLast() {
        return type().equals("session.terminated") || type().equals("session.failed");
    }
}
