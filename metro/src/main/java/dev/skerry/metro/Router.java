package dev.skerry.metro;

import java.util.List;

/** Which part of the metro answers a request. */
final class Router {
    private static final List<String> UNSUPPORTED = List.of("volumes", "certificates");

    private final InstancesApi instances;
    private final ServicesApi services;
    private final NodeApi node;
    private final Envelope envelope;

    Router(InstancesApi instances, ServicesApi services, NodeApi node, Envelope envelope) {
        this.instances = instances;
        this.services = services;
        this.node = node;
        this.envelope = envelope;
    }

    Reply route(Call call, String address) {
        if (UNSUPPORTED.contains(call.resource())) {
            return unsupported(call);
        }
        boolean single = call.path().size() == 1;
        boolean read = call.method().equals("GET");
        return switch (call.resource()) {
            case "instances" -> instances.handle(call);
            case "services" -> services.handle(call);
            case "healthz" -> single && read ? node.health(call) : none(single);
            case "users" -> read ? node.quotas(call) : none(true);
            case "images", "image-store" -> single ? node.images(call) : none(false);
            case "metros" -> single && read ? node.metros(call, address) : none(single);
            case "audit" -> single && read ? node.audit(call) : none(single);
            default -> none(false);
        };
    }

    private Reply none(boolean known) {
        return known ? envelope.refusal(405, "Wrong method") : envelope.refusal(404, "No such endpoint");
    }

    /** A listing of what there cannot be is empty; everything else is refused item by item. */
    private Reply unsupported(Call call) {
        if (call.method().equals("GET")
                && call.path().size() == 1
                && call.query().all("name").isEmpty()) {
            return envelope.items(call.resource(), List.of(), call.began());
        }
        return envelope.items(
                call.resource(),
                call.items().stream()
                        .map(item -> envelope.failure(item, ItemException.unsupported("'" + call.resource() + "'")))
                        .toList(),
                call.began());
    }
}
