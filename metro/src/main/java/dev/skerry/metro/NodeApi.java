package dev.skerry.metro;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What the metro says of itself: health, images, quotas, discovery, audit. */
final class NodeApi {
    private static final Set<String> EVENT_TYPES = Set.of("vm.state_change", "vm.start_failed", "gap");

    private final Instances instances;
    private final ServiceGroups services;
    private final InstanceView view;
    private final Audit audit;
    private final Envelope envelope;
    private final JsonMapper json;
    private final String driver;
    private final String version;

    NodeApi(
            Instances instances,
            ServiceGroups services,
            InstanceView view,
            Audit audit,
            Envelope envelope,
            JsonMapper json,
            String driver,
            String version) {
        this.instances = instances;
        this.services = services;
        this.view = view;
        this.audit = audit;
        this.envelope = envelope;
        this.json = json;
        this.driver = driver;
        this.version = version;
    }

    Reply health(Call call) {
        ObjectNode data = json.createObjectNode();
        data.putObject("checks").put("images", instances.images().all().isEmpty() ? "degraded" : "healthy");
        data.putObject("versions").put("metro", version).put("driver", driver);
        return envelope.data(data, call.began());
    }

    Reply quotas(Call call) {
        boolean ofMe = call.path().size() == 2 && call.part(1).equals("quotas");
        boolean ofUser = call.path().size() == 3 && call.part(2).equals("quotas");
        if (!ofMe && !ofUser) {
            return envelope.refusal(404, "No such endpoint");
        }
        synchronized (instances) {
            int ports = services.all().stream()
                    .mapToInt(group -> group.services.size())
                    .sum();
            ObjectNode quota =
                    view.quota(List.copyOf(instances.all()), services.all().size(), ports, instances.limits());
            return envelope.items("quotas", List.of(quota), call.began());
        }
    }

    Reply images(Call call) {
        if (!call.method().equals("GET")) {
            List<ObjectNode> refused = call.items().stream()
                    .map(item -> envelope.failure(item, ItemException.unsupported("pinning images")))
                    .toList();
            return envelope.items("images", refused, call.began());
        }
        String tag = call.query().one("tag");
        String digest = call.query().one("digest");
        ObjectNode data = json.createObjectNode();
        ArrayNode images = data.putArray("images");
        for (Images.Registered image : instances.images().all()) {
            boolean wanted =
                    (tag == null || image.name().equals(tag) || image.name().endsWith(":" + tag))
                            && (digest == null || image.digest().equals(digest));
            if (wanted) {
                ObjectNode node = images.addObject().put("url", image.url());
                node.put("initrd_or_rom", false)
                        .put("size_in_bytes", image.bytes())
                        .put("persistent", true);
                node.putArray("tags").add(image.name());
            }
        }
        return envelope.data(data, call.began());
    }

    /** One metro: this one, at the address by which it was asked. */
    Reply metros(Call call, String address) {
        ObjectNode data = json.createObjectNode();
        data.putArray("metros")
                .addObject()
                .put("uuid", new java.util.UUID(0, 2).toString())
                .put("name", "Local")
                .put("iata_code", "LOCAL")
                .put("country", "none")
                .put("endpoint", address + "/v1");
        return envelope.data(data, call.began());
    }

    Reply audit(Call call) {
        Set<String> types = new LinkedHashSet<>(Selection.split(call.query().all("events")));
        for (String type : types) {
            if (!EVENT_TYPES.contains(type)) {
                throw new RequestException(400, "Unknown event");
            }
        }
        return new Reply.Events(audit.subscribe(
                types,
                new LinkedHashSet<>(Selection.uuids(call.query())),
                new LinkedHashSet<>(Selection.split(call.query().all("tags")))));
    }
}
