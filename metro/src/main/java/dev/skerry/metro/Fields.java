package dev.skerry.metro;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The members of one JSON object: what has another type than it should is refused by name. A null member counts as absent. */
record Fields(JsonNode node) {
    static Fields of(JsonNode node) throws ItemException {
        if (!node.isObject()) {
            throw new ItemException(ItemException.MALFORMED, "Malformed request: an object is needed");
        }
        return new Fields(node);
    }

    void only(Set<String> known) throws ItemException {
        for (String member : node.propertyNames()) {
            if (!known.contains(member)) {
                throw new ItemException(ItemException.UNKNOWN_MEMBER, "Unknown member '" + shortened(member) + "'");
            }
        }
    }

    boolean has(String member) {
        return node.has(member) && !node.path(member).isNull();
    }

    /** Present, and neither an empty list nor an empty object. */
    boolean holds(String member) {
        return has(member)
                && !(node.path(member).isContainer() && node.path(member).isEmpty());
    }

    @Nullable
    String text(String member) throws ItemException {
        if (!has(member)) {
            return null;
        }
        if (!node.path(member).isString()) {
            throw ItemException.invalid(member, "a string is needed");
        }
        return node.path(member).asString();
    }

    String text(String member, String otherwise) throws ItemException {
        String found = text(member);
        return found == null ? otherwise : found;
    }

    boolean flag(String member, boolean otherwise) throws ItemException {
        if (!has(member)) {
            return otherwise;
        }
        if (!node.path(member).isBoolean()) {
            throw ItemException.invalid(member, "true or false is needed");
        }
        return node.path(member).asBoolean();
    }

    long number(String member, long otherwise, long least, long most) throws ItemException {
        if (!has(member)) {
            return otherwise;
        }
        JsonNode value = node.path(member);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw ItemException.invalid(member, "a whole number is needed");
        }
        if (value.asLong() < least || value.asLong() > most) {
            throw ItemException.invalid(member, "must be between " + least + " and " + most);
        }
        return value.asLong();
    }

    List<String> texts(String member, int mostItems, int mostLength) throws ItemException {
        List<String> found = new ArrayList<>();
        for (JsonNode value : array(member)) {
            if (!value.isString()) {
                throw ItemException.invalid(member, "strings are needed");
            }
            if (value.asString().length() > mostLength) {
                throw new ItemException(ItemException.TOO_LONG, "Too long: an item of '" + member + "'");
            }
            found.add(value.asString());
        }
        if (found.size() > mostItems) {
            throw ItemException.invalid(member, "at most " + mostItems + " items");
        }
        return found;
    }

    Map<String, String> textMap(String member) throws ItemException {
        Map<String, String> found = new LinkedHashMap<>();
        if (!has(member)) {
            return found;
        }
        JsonNode object = node.path(member);
        if (!object.isObject()) {
            throw ItemException.invalid(member, "an object is needed");
        }
        for (String name : object.propertyNames()) {
            if (!object.path(name).isString()) {
                throw ItemException.invalid(member, "values must be strings");
            }
            found.put(name, object.path(name).asString());
        }
        return found;
    }

    /** Null when absent. */
    @Nullable
    Fields object(String member) throws ItemException {
        if (!has(member)) {
            return null;
        }
        if (!node.path(member).isObject()) {
            throw ItemException.invalid(member, "an object is needed");
        }
        return new Fields(node.path(member));
    }

    List<Fields> objects(String member) throws ItemException {
        List<Fields> found = new ArrayList<>();
        for (JsonNode value : array(member)) {
            if (!value.isObject()) {
                throw ItemException.invalid(member, "objects are needed");
            }
            found.add(new Fields(value));
        }
        return found;
    }

    private List<JsonNode> array(String member) throws ItemException {
        if (!has(member)) {
            return List.of();
        }
        if (!node.path(member).isArray()) {
            throw ItemException.invalid(member, "a list is needed");
        }
        return node.path(member).valueStream().toList();
    }

    private static String shortened(String text) {
        return text.length() > 100 ? text.substring(0, 100) : text;
    }
}
