package dev.skerry.metro;

import dev.skerry.metro.Instance.State;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Tells subscribers of every change of state, as it happens and without replay; who reads too slowly is told of a gap. */
final class Audit {
    private static final Logger log = LoggerFactory.getLogger(Audit.class);
    private static final int MOST_SUBSCRIPTIONS = 64;
    private static final int MOST_WAITING = 1024;

    private final JsonMapper json;
    private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();

    Audit(JsonMapper json) {
        this.json = json;
    }

    /** One reader and what it wants; empty sets mean everything. */
    record Subscription(
            Set<String> types,
            Set<String> uuids,
            Set<String> tags,
            BlockingQueue<ObjectNode> events,
            AtomicInteger dropped) {
        private boolean wants(String type, Instance instance) {
            return (types.isEmpty() || types.contains(type))
                    && (uuids.isEmpty() || uuids.contains(instance.uuid))
                    && instance.tags.containsAll(tags);
        }
    }

    /** Refused with 429 when too many listen already. */
    synchronized Subscription subscribe(Set<String> types, Set<String> uuids, Set<String> tags) {
        if (subscriptions.size() >= MOST_SUBSCRIPTIONS) {
            throw new RequestException(429, "Too many subscriptions");
        }
        Subscription subscription =
                new Subscription(types, uuids, tags, new ArrayBlockingQueue<>(MOST_WAITING), new AtomicInteger());
        subscriptions.add(subscription);
        return subscription;
    }

    void unsubscribe(Subscription subscription) {
        subscriptions.remove(subscription);
    }

    void changed(Instance instance, State before, String origin) {
        log.info(
                "instance {} ({}) is {} and was {}, by {}",
                instance.name,
                instance.uuid,
                instance.state.wire(),
                before.wire(),
                origin);
        boolean failedStart = before == State.STARTING && instance.state == State.STOPPED;
        publish(failedStart ? "vm.start_failed" : "vm.state_change", instance, before, origin);
    }

    private void publish(String type, Instance instance, State before, String origin) {
        ObjectNode event = json.createObjectNode();
        event.put("type", type).put("timestamp", Instant.now().toString());
        ObjectNode object = event.putObject("object").put("type", "i").put("uuid", instance.uuid);
        object.set("tags", json.valueToTree(instance.tags));
        event.putObject("attribution")
                .put("trigger", origin.equals("guest") ? "observed" : "requested")
                .put("origin", origin);
        ObjectNode data = event.putObject("data");
        data.put("prev", before.wire()).put("new", instance.state.wire());
        if (instance.state == State.STOPPED) {
            data.putObject("stop")
                    .put("code", instance.stopCode)
                    .put("exit_code", instance.exitCode)
                    .put("cause", Integer.toString(instance.stopReason));
        }
        for (Subscription subscription : subscriptions) {
            if (subscription.wants(type, instance) && !subscription.events().offer(event)) {
                subscription.dropped().incrementAndGet();
            }
        }
    }

    /** The event that says how many were lost. */
    ObjectNode gap(int dropped) {
        return json.createObjectNode()
                .put("type", "gap")
                .put("timestamp", Instant.now().toString())
                .put("dropped", dropped);
    }
}
