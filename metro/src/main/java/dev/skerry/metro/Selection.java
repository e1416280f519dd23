package dev.skerry.metro;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What a request is about: items of a body, identifiers of a query, pages of a listing. */
final class Selection {
    private static final int MOST_ITEMS = 253;
    private static final int MOST_COUNT = 1_000_000;

    private Selection() {}

    /** The items of a bulk request, the one of a by-uuid request, or those that the query names. */
    static List<JsonNode> items(Call call, @Nullable String uuid, JsonMapper json) {
        if (uuid != null) {
            List<JsonNode> given = call.items();
            ObjectNode item = json.createObjectNode();
            if (!given.isEmpty() && given.getFirst().isObject()) {
                item.setAll((ObjectNode) given.getFirst());
            }
            item.remove("name");
            return List.of(item.put("uuid", uuid));
        }
        if (call.body().isObject() && call.body().isEmpty()) {
            List<JsonNode> items = new ArrayList<>();
            uuids(call.query()).forEach(id -> items.add(json.createObjectNode().put("uuid", id)));
            call.query()
                    .all("name")
                    .forEach(name -> items.add(json.createObjectNode().put("name", name)));
            return items;
        }
        List<JsonNode> items = call.items();
        if (items.size() > MOST_ITEMS) {
            throw new RequestException(400, "At most " + MOST_ITEMS + " items in one request");
        }
        return items;
    }

    /** Repeated, or separated by commas. */
    static List<String> uuids(Query query) {
        return split(query.all("uuid"));
    }

    static List<String> split(List<String> values) {
        return values.stream()
                .flatMap(value -> Arrays.stream(value.split(",", -1)))
                .filter(value -> !value.isEmpty())
                .toList();
    }

    static String uuid(String text) throws ItemException {
        try {
            if (text.length() == 36) {
                return UUID.fromString(text).toString();
            }
        } catch (IllegalArgumentException e) {
            throw invalidUuid(text);
        }
        throw invalidUuid(text);
    }

    private static ItemException invalidUuid(String text) {
        return new ItemException(
                ItemException.INVALID, "Invalid uuid '" + (text.length() > 100 ? text.substring(0, 100) : text) + "'");
    }

    /** One page: oldest first unless told otherwise, from the given item on, that one included. */
    static <T> List<T> page(List<T> all, Query query, Function<T, String> uuid) {
        List<T> found = all;
        String order = query.one("order");
        if (order != null && !order.equals("asc") && !order.equals("desc")) {
            throw new RequestException(400, "Invalid 'order': asc or desc is needed");
        }
        String sortedBy = query.one("sortby");
        if (sortedBy != null && !sortedBy.equals("create_time")) {
            throw new RequestException(400, "Invalid 'sortby': create_time is needed");
        }
        if ("desc".equals(order)) {
            found = found.reversed();
        }
        String from = query.one("from");
        if (from != null) {
            int at = found.stream().map(uuid).toList().indexOf(from);
            found = at < 0 ? List.of() : found.subList(at, found.size());
        }
        return found.stream().limit(count(query)).toList();
    }

    private static int count(Query query) {
        String count = query.one("count");
        if (count == null) {
            return MOST_COUNT;
        }
        if (!count.matches("\\d{1,6}")) {
            throw new RequestException(400, "Invalid 'count': a number is needed");
        }
        return Integer.parseInt(count);
    }
}
