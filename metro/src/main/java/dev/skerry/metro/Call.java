package dev.skerry.metro;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One authenticated request.
 *
 * @param path its parts after {@code /v1/}, never empty
 * @param body an object or an array; an empty object when there was none
 */
record Call(
        String method,
        List<String> path,
        Query query,
        JsonNode body,
        @Nullable String accept,
        long began) {
    private static final Set<String> VERBS = Set.of("start", "stop", "suspend", "wait", "log", "metrics", "history");

    String resource() {
        return path.getFirst();
    }

    String part(int index) {
        return index < path.size() ? path.get(index) : "";
    }

    /** What it is called in faults and metrics. */
    String operation() {
        if (!resource().equals("instances")) {
            return switch (resource()) {
                case "users" -> "quotas";
                case "image-store" -> "images";
                default -> resource();
            };
        }
        String last = path.getLast();
        if (part(1).equals("templates")) {
            return "templates";
        }
        if (path.size() > 1 && VERBS.contains(last)) {
            return last;
        }
        return switch (method) {
            case "POST" -> "create";
            case "GET" ->
                path.size() > 1
                                || !query.all("name").isEmpty()
                                || !query.all("uuid").isEmpty()
                        ? "get"
                        : "list";
            case "PATCH" -> "patch";
            case "DELETE" -> "delete";
            default -> "other";
        };
    }

    List<JsonNode> items() {
        return body.isArray() ? body.valueStream().toList() : List.of(body);
    }

    /** What it names, as far as it names anything. */
    List<String> names(Instances instances) {
        List<String> keys = new ArrayList<>(query.all("name"));
        keys.addAll(query.all("uuid"));
        if (resource().equals("instances") && path.size() > 1) {
            keys.add(path.get(1));
        }
        for (JsonNode item : items()) {
            for (String id : List.of("name", "uuid")) {
                if (item.path(id).isString()) {
                    keys.add(item.path(id).asString());
                }
            }
        }
        List<String> names = new ArrayList<>();
        for (String key : keys) {
            names.add(instances.find(key).map(instance -> instance.name).orElse(key));
        }
        return names.isEmpty() ? List.of("") : names;
    }
}
