package dev.skerry.controlplane.passthrough;

import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What the dialects have in common to check. */
final class Rules {
    private static final int MOST_ASKED = 1_000_000;

    private Rules() {}

    static void demandKnown(ObjectNode body, Set<String> known) {
        body.propertyNames().forEach(name -> {
            if (!known.contains(name)) {
                throw NotPassed.invalid(
                        name.length() > 64 ? name.substring(0, 64) : name,
                        "This gateway does not pass this field on. It passes: "
                                + known.stream().sorted().toList() + ".");
            }
        });
    }

    static void demandFalse(ObjectNode body, String field, String why) {
        JsonNode value = body.path(field);
        if (!value.isMissingNode() && !value.isNull() && !(value.isBoolean() && !value.asBoolean())) {
            throw NotPassed.denied(field, why);
        }
    }

    static void demandOneOf(ObjectNode body, String field, Set<String> known) {
        JsonNode value = body.path(field);
        if (!value.isMissingNode() && !value.isNull() && !(value.isString() && known.contains(value.asString()))) {
            throw NotPassed.denied(
                    field,
                    "This gateway passes one of " + known.stream().sorted().toList() + ".");
        }
    }

    static boolean streamed(ObjectNode body) {
        JsonNode stream = body.path("stream");
        if (!stream.isMissingNode() && !stream.isNull() && !stream.isBoolean()) {
            throw NotPassed.invalid("stream", "stream must be true or false.");
        }
        return stream.asBoolean(false);
    }

    static Optional<Integer> count(ObjectNode body, String field) {
        JsonNode value = body.path(field);
        if (value.isMissingNode() || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 1 || value.asInt() > MOST_ASKED) {
            throw NotPassed.invalid(field, field + " must be a whole number from 1 to " + MOST_ASKED + ".");
        }
        return Optional.of(value.asInt());
    }

    /** Only tools that the caller runs itself; a tool without a type counts as {@code implied}. */
    static void demandOwnTools(JsonNode tools, String implied, Set<String> own) {
        if (tools.isMissingNode() || tools.isNull()) {
            return;
        }
        if (!tools.isArray()) {
            throw NotPassed.invalid("tools", "tools must be a list.");
        }
        for (JsonNode tool : tools) {
            String type = tool.path("type").asString(implied);
            if (!own.contains(type)) {
                throw NotPassed.denied(
                        "tools",
                        "A tool that runs at the provider is not passed on ('"
                                + (type.length() > 64 ? type.substring(0, 64) : type)
                                + "'). Use tools that you run yourself: "
                                + own.stream().sorted().toList() + ".");
            }
        }
    }

    /** Content that the provider would fetch from elsewhere is a door that this gateway does not have. */
    static void demandInline(String field, JsonNode url) {
        if (!url.isString() || !url.asString().startsWith("data:")) {
            throw NotPassed.denied(field, "Send data inline (data:...): the provider fetches nothing for a sandbox.");
        }
    }

    /** Every part of what is not one text; {@code known} answers false for a type that it does not know, and throws for what it knows to be no good. */
    static void demandParts(String field, JsonNode content, BiPredicate<String, JsonNode> known) {
        if (content.isObject()) {
            throw NotPassed.invalid(field, field + " must hold text or lists of parts.");
        }
        for (JsonNode part : content) {
            String type = part.path("type").asString("");
            if (!known.test(type, part)) {
                throw unknownContent(field, type);
            }
        }
    }

    static NotPassed unknownContent(String field, String type) {
        return NotPassed.denied(
                field,
                "Content of the type '" + (type.length() > 64 ? type.substring(0, 64) : type) + "' is not passed on.");
    }
}
