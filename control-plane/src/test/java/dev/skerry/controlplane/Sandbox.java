package dev.skerry.controlplane;

import dev.skerry.controlplane.Http.Answer;

/** A sandbox that said hello, as a test plays it. */
public record Sandbox(String origin, String session, int incarnation, String token) {
    public Answer get(String path) {
        return Http.call("GET", origin + "/sandbox/v1" + path, token, null);
    }

    public Answer post(String path, String json, String... headers) {
        return Http.call("POST", origin + "/sandbox/v1" + path, token, json.replace('\'', '"'), headers);
    }

    public Answer put(String path, String json) {
        return Http.call("PUT", origin + "/sandbox/v1" + path, token, json.replace('\'', '"'));
    }
}
