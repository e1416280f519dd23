package dev.skerry.metro;

import dev.skerry.metro.Instance.State;
import dev.skerry.metro.Instance.Update;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Changes of an instance: at once where the guest cannot tell, at its next stop where it can. */
final class Patches {
    private static final Set<String> OPERATIONS = Set.of("set", "add", "del");
    private static final Set<String> AT_ONCE = Set.of("tags", "delete_lock", "autokill", "scale_to_zero");
    private static final Set<String> SEEN_BY_GUEST =
            Set.of("image", "args", "env", "memory_mb", "vcpus", "hostname", "annotations");
    private static final Set<String> UNSUPPORTED =
            Set.of("schedules", "roms", "dependencies", "sched_priority", "plugins");
    private static final Set<String> OF_TEMPLATES = Set.of("tags", "delete_lock", "autokill");

    private final Limits limits;

    Patches(Limits limits) {
        this.limits = limits;
    }

    /** Checks one change and makes or queues it; the caller holds the lock of the instances. */
    void patch(Instance instance, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "id", "prop", "op", "value"));
        String prop = item.text("prop", "");
        String op = item.text("op", "");
        if (!OPERATIONS.contains(op)) {
            throw ItemException.invalid("op", "must be one of set, add, del");
        }
        if (UNSUPPORTED.contains(prop)) {
            throw ItemException.unsupported("changing '" + prop + "'");
        }
        boolean known = AT_ONCE.contains(prop) || SEEN_BY_GUEST.contains(prop);
        if (!known || (instance.isTemplate() && !OF_TEMPLATES.contains(prop))) {
            throw ItemException.invalid("prop", "cannot be changed");
        }
        JsonNode value = item.has("value") ? item.node().path("value") : null;
        Instance trial = copyOfChangeable(instance);
        apply(trial, prop, op, value, limits);
        if (AT_ONCE.contains(prop) || instance.state == State.STOPPED) {
            apply(instance, prop, op, value, limits);
        } else {
            instance.updates.add(new Update(prop, op, value, null));
        }
    }

    /** What was queued, now that the instance is stopped; what fails stays in the queue and says why. */
    static void applyPending(Instance instance) {
        List<Update> left = new ArrayList<>();
        for (Update update : instance.updates) {
            try {
                if (update.error() == null) {
                    apply(instance, update.prop(), update.op(), update.value(), null);
                } else {
                    left.add(update);
                }
            } catch (ItemException e) {
                left.add(new Update(update.prop(), update.op(), update.value(), e.getMessage()));
            }
        }
        instance.updates = left;
    }

    private static Instance copyOfChangeable(Instance instance) {
        Instance copy = new Instance();
        copy.state = instance.state;
        copy.tags = instance.tags;
        copy.args = instance.args;
        copy.env = instance.env;
        copy.annotations = new LinkedHashMap<>(instance.annotations);
        return copy;
    }

    private static void apply(
            Instance instance, String prop, String op, @Nullable JsonNode value, @Nullable Limits limits)
            throws ItemException {
        Fields wrapped = new Fields(value == null ? nothing() : nothing().set("value", value));
        switch (prop) {
            case "tags" -> instance.tags = list(instance.tags, op, wrapped, OrderReader.MOST_TAGS);
            case "args" -> instance.args = list(instance.args, op, wrapped, OrderReader.MOST_ARGUMENTS);
            case "env" -> instance.env = map(instance.env, op, wrapped);
            case "annotations" -> {
                Map<String, String> changed = map(instance.annotations, op, wrapped);
                OrderReader.checkAnnotations(changed);
                instance.annotations = changed;
            }
            default -> {
                if (!op.equals("set")) {
                    throw ItemException.invalid("op", "'" + prop + "' can only be set");
                }
                single(instance, prop, wrapped, limits);
            }
        }
    }

    private static void single(Instance instance, String prop, Fields value, @Nullable Limits limits)
            throws ItemException {
        switch (prop) {
            case "delete_lock" -> instance.deleteLock = value.flag("value", false);
            case "autokill" -> {
                Fields autokill = value.object("value");
                long millis = autokill == null ? 0 : autokill.number("time_ms", 0, 0, Long.MAX_VALUE);
                if (instance.isTemplate()) {
                    instance.templateAutokillMillis = millis;
                } else {
                    instance.autokillMillis = millis;
                }
            }
            case "scale_to_zero" -> {
                Fields scale = value.object("value");
                instance.scaleToZero = scale == null ? null : OrderReader.scaleToZero(scale);
            }
            case "memory_mb" ->
                instance.memoryMb = (int) value.number(
                        "value", 128, Limits.LEAST_MEMORY_MB, limits == null ? Integer.MAX_VALUE : limits.memoryMb());
            case "vcpus" ->
                instance.vcpus = (int) value.number("value", 1, 1, limits == null ? Integer.MAX_VALUE : limits.vcpus());
            case "image" -> {
                String image = value.text("value");
                if (image == null || image.isEmpty()) {
                    throw ItemException.invalid("image", "cannot be removed");
                }
                instance.image = image;
            }
            case "hostname" -> instance.hostname = OrderReader.hostname(value.text("value", ""));
            default -> throw ItemException.invalid("prop", "cannot be changed");
        }
    }

    private static List<String> list(List<String> before, String op, Fields value, int most) throws ItemException {
        List<String> given = value.texts("value", most, OrderReader.LONGEST_TAG);
        LinkedHashSet<String> result = new LinkedHashSet<>(before);
        switch (op) {
            case "add" -> result.addAll(given);
            case "del" -> result.removeAll(given);
            default -> {
                return given;
            }
        }
        if (result.size() > most) {
            throw ItemException.invalid("value", "at most " + most + " items");
        }
        return List.copyOf(result);
    }

    private static Map<String, String> map(Map<String, String> before, String op, Fields value) throws ItemException {
        Map<String, String> result = new LinkedHashMap<>(before);
        switch (op) {
            case "add" -> result.putAll(value.textMap("value"));
            case "del" ->
                value.texts("value", Integer.MAX_VALUE, Integer.MAX_VALUE).forEach(result::remove);
            default -> {
                return value.textMap("value");
            }
        }
        return result;
    }

    private static tools.jackson.databind.node.ObjectNode nothing() {
        return tools.jackson.databind.node.JsonNodeFactory.instance.objectNode();
    }
}
