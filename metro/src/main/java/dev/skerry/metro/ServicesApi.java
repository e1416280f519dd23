package dev.skerry.metro;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The service group endpoints. */
final class ServicesApi {
    private static final String KEY = "service_groups";

    private final ServiceGroups services;
    private final Instances instances;
    private final Envelope envelope;
    private final JsonMapper json;

    ServicesApi(ServiceGroups services, Instances instances, Envelope envelope, JsonMapper json) {
        this.services = services;
        this.instances = instances;
        this.envelope = envelope;
        this.json = json;
    }

    private interface Action {
        ObjectNode on(ServiceGroup group, Fields item) throws ItemException;
    }

    Reply handle(Call call) {
        if (call.path().contains("autoscale")) {
            List<ObjectNode> refused = call.items().stream()
                    .map(item -> envelope.failure(item, ItemException.unsupported("autoscale")))
                    .toList();
            return envelope.items(KEY, refused, call.began());
        }
        String uuid = call.path().size() == 2 ? call.part(1) : null;
        if (call.path().size() > 2 || (uuid != null && uuid.isEmpty())) {
            return envelope.refusal(404, "No such endpoint");
        }
        return switch (call.method()) {
            case "POST" -> create(call);
            case "GET" -> list(call, uuid);
            case "PATCH" ->
                each(call, uuid, (group, item) -> {
                    services.patch(group, item);
                    String id = item.text("id");
                    ObjectNode result = identity(group);
                    return id == null ? result : result.put("id", id);
                });
            case "DELETE" ->
                each(call, uuid, (group, _) -> {
                    services.delete(group, !members(group).isEmpty());
                    return identity(group);
                });
            default -> envelope.refusal(405, "Wrong method");
        };
    }

    private Reply create(Call call) {
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : call.items()) {
            try {
                results.add(details(services.create(Fields.of(item), true)));
            } catch (ItemException e) {
                results.add(envelope.failure(item, e));
            }
        }
        return envelope.items(KEY, results, call.began());
    }

    private Reply list(Call call, @Nullable String uuid) {
        List<ObjectNode> results = new ArrayList<>();
        boolean named = uuid != null
                || call.query().values().containsKey("uuid")
                || call.query().values().containsKey("name");
        if (named) {
            return each(call, uuid, (group, _) -> details(group));
        }
        Selection.page(List.copyOf(services.all()), call.query(), group -> group.uuid)
                .forEach(group ->
                        results.add("false".equals(call.query().one("details")) ? identity(group) : details(group)));
        return envelope.items(KEY, results, call.began());
    }

    private Reply each(Call call, @Nullable String uuid, Action action) {
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : Selection.items(call, uuid, json)) {
            try {
                Fields fields = Fields.of(item);
                String key = OrderReader.reference(fields, "service group");
                String wanted = fields.has("uuid") ? Selection.uuid(key) : key;
                ServiceGroup group = services.find(wanted)
                        .orElseThrow(() -> new ItemException(
                                ItemException.NOT_FOUND,
                                "No service group with " + (fields.has("uuid") ? "uuid" : "name") + " '" + wanted
                                        + "'"));
                results.add(action.on(group, fields));
            } catch (ItemException e) {
                results.add(envelope.failure(item, e));
            }
        }
        return envelope.items(KEY, results, call.began());
    }

    private List<Instance> members(ServiceGroup group) {
        return instances.all().stream()
                .filter(instance -> group.uuid.equals(instance.serviceGroup))
                .toList();
    }

    private ObjectNode identity(ServiceGroup group) {
        return json.createObjectNode()
                .put("status", "success")
                .put("uuid", group.uuid)
                .put("name", group.name);
    }

    private ObjectNode details(ServiceGroup group) {
        ObjectNode view = identity(group);
        view.put("created_at", group.createdAt);
        view.put("persistent", group.persistent);
        view.put("autoscale", false);
        view.put("soft_limit", group.softLimit);
        view.put("hard_limit", group.hardLimit);
        view.set("services", json.valueToTree(group.services));
        ArrayNode domains = view.putArray("domains");
        group.domains.forEach(domain -> domains.addObject().put("fqdn", domain));
        ArrayNode members = view.putArray("instances");
        members(group)
                .forEach(instance ->
                        members.addObject().put("uuid", instance.uuid).put("name", instance.name));
        if (group.autokillMillis > 0) {
            view.putObject("autokill").put("time_ms", group.autokillMillis);
        }
        return view;
    }
}
