package dev.skerry.metro;

import dev.skerry.metro.Instance.State;
import dev.skerry.metro.Instance.Update;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.Usage;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** How instances look on the wire. */
final class InstanceView {
    private static final List<Integer> BUCKETS = List.of(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096);

    private final JsonMapper json;
    private final Images images;
    private final ServiceGroups services;
    private final String driver;

    InstanceView(JsonMapper json, Images images, ServiceGroups services, String driver) {
        this.json = json;
        this.images = images;
        this.services = services;
        this.driver = driver;
    }

    ObjectNode identity(Instance instance) {
        return json.createObjectNode()
                .put("status", "success")
                .put("uuid", instance.uuid)
                .put("name", instance.name);
    }

    ObjectNode state(Instance instance) {
        return identity(instance).put("state", instance.state.wire());
    }

    /** What a create tells: less than a read does. */
    ObjectNode created(Instance instance) {
        ObjectNode view = state(instance);
        view.put("private_fqdn", instance.name + ".internal");
        view.put("private_ip", privateIp(instance));
        serviceGroup(instance, view);
        if (instance.bootTimeMicros > 0) {
            view.put("boot_time_us", instance.bootTimeMicros);
        }
        return view;
    }

    ObjectNode details(Instance instance) {
        ObjectNode view = state(instance);
        view.put("created_at", instance.createdAt);
        view.put(
                "image", images.find(instance.image).map(Images.Registered::url).orElse("oci://" + instance.image));
        view.set("args", json.valueToTree(instance.args));
        view.set("env", json.valueToTree(instance.env));
        view.put("memory_mb", instance.memoryMb);
        view.put("vcpus", instance.vcpus);
        view.put("type", "micro");
        view.put("hostname", instance.hostname);
        view.put("restart_policy", instance.restartPolicy);
        view.put("delete_lock", instance.deleteLock);
        view.set("tags", json.valueToTree(instance.tags));
        ObjectNode annotations = json.createObjectNode();
        instance.annotations.forEach(annotations::put);
        annotations.put("metro.driver", driver);
        view.set("annotations", annotations);
        ArrayNode features = view.putArray("features");
        if (instance.deleteOnStop) {
            features.add("delete-on-stop");
        }
        times(instance, view);
        network(instance, view);
        serviceGroup(instance, view);
        automation(instance, view);
        view.putArray("volumes");
        return view;
    }

    private static void times(Instance instance, ObjectNode view) {
        view.put("start_count", instance.startCount);
        view.put("restart_count", instance.restartCount);
        view.put("uptime_ms", uptimeMillis(instance));
        if (instance.bootTimeMicros > 0) {
            view.put("boot_time_us", instance.bootTimeMicros);
        }
        if (instance.startedAt != null) {
            view.put("started_at", instance.startedAt);
        }
        if (instance.stoppedAt != null) {
            view.put("stopped_at", instance.stoppedAt);
            view.put("stop_reason", instance.stopReason);
            view.put("stop_code", instance.stopCode);
            view.put("exit_code", instance.exitCode);
        }
        if (instance.restartAt != null) {
            view.putObject("restart").put("attempt", instance.restartAttempt).put("next_at", instance.restartAt);
        }
    }

    private static long uptimeMillis(Instance instance) {
        boolean counting = instance.startedAt != null && instance.stoppedAt == null;
        return instance.uptimeMillis
                + (counting
                        ? Math.max(
                                0,
                                Duration.between(Instant.parse(instance.startedAt), Instant.now())
                                        .toMillis())
                        : 0);
    }

    private static String privateIp(Instance instance) {
        return "10.0." + (instance.number / 250 % 250) + "." + (instance.number % 250 + 2);
    }

    private static void network(Instance instance, ObjectNode view) {
        view.put("private_fqdn", instance.name + ".internal");
        view.put("private_ip", privateIp(instance));
        view.putArray("network_interfaces")
                .addObject()
                .put(
                        "uuid",
                        UUID.nameUUIDFromBytes(instance.uuid.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                                .toString())
                .put("private_ip", privateIp(instance))
                .put(
                        "mac",
                        String.format(
                                Locale.ROOT,
                                "12:b0:0a:00:%02x:%02x",
                                instance.number / 250 % 250,
                                instance.number % 250 + 2));
    }

    private void serviceGroup(Instance instance, ObjectNode view) {
        Optional.ofNullable(instance.serviceGroup).flatMap(services::find).ifPresent(group -> {
            ObjectNode node =
                    view.putObject("service_group").put("uuid", group.uuid).put("name", group.name);
            ArrayNode domains = node.putArray("domains");
            group.domains.forEach(domain -> domains.addObject().put("fqdn", domain));
        });
    }

    private void automation(Instance instance, ObjectNode view) {
        if (instance.scaleToZero != null) {
            view.set("scale_to_zero", instance.scaleToZero);
        }
        if (instance.autokillMillis > 0) {
            view.putObject("autokill").put("time_ms", instance.autokillMillis);
        }
        if (instance.templateAutokillMillis > 0) {
            view.putObject("template_autokill").put("time_ms", instance.templateAutokillMillis);
        }
        ArrayNode roms = view.putArray("roms");
        for (Instance.Rom rom : instance.roms) {
            ObjectNode node = roms.addObject().put("name", rom.name());
            if (rom.at() != null) {
                node.put("at", rom.at());
            }
            ArrayNode files = node.putArray("files");
            rom.files().keySet().forEach(path -> files.addObject().put("path", path));
        }
        ArrayNode updates = view.putArray("updates");
        for (Update update : instance.updates) {
            ObjectNode node = updates.addObject().put("prop", update.prop()).put("op", update.op());
            if (update.value() != null) {
                node.set("value", update.value());
            }
            node.put("status", update.error() == null ? "pending" : "failed");
            if (update.error() != null) {
                node.put("error", update.error());
            }
        }
    }

    ObjectNode metrics(Instance instance) {
        Usage usage = usage(instance);
        ObjectNode view = state(instance);
        view.put("start_count", instance.startCount);
        view.put("restart_count", instance.restartCount);
        if (instance.startedAt != null) {
            view.put("started_at", instance.startedAt);
        }
        if (instance.stoppedAt != null) {
            view.put("stopped_at", instance.stoppedAt);
        }
        view.put("uptime_ms", uptimeMillis(instance));
        view.put("boot_time_us", instance.bootTimeMicros);
        view.put("rss_bytes", usage.residentBytes());
        view.put("cpu_time_ms", usage.cpu().toMillis());
        for (String counter :
                List.of("rx_bytes", "rx_packets", "tx_bytes", "tx_packets", "nconns", "nreqs", "nqueued", "ntotal")) {
            view.put(counter, 0);
        }
        ArrayNode latency = view.putArray("wakeup_latency");
        BUCKETS.forEach(bucket -> latency.addObject().put("bucket_ms", bucket).put("count", 0));
        latency.addObject().putNull("bucket_ms").put("count", 0);
        view.put("wakeup_latency_sum", 0);
        return view;
    }

    private static Usage usage(Instance instance) {
        Sandbox sandbox = instance.sandbox;
        return sandbox == null ? Usage.NONE : sandbox.usage();
    }

    /** The text format of Prometheus. */
    String prometheus(List<Instance> instances) {
        StringBuilder text = new StringBuilder();
        family(text, "instance_state", "gauge", instances, instance -> Integer.toString(instance.state.number()));
        family(text, "instance_start_count", "counter", instances, instance -> Integer.toString(instance.startCount));
        family(text, "instance_uptime_s", "counter", instances, instance -> seconds(uptimeMillis(instance), 1e3));
        family(text, "instance_boot_time_s", "gauge", instances, instance -> seconds(instance.bootTimeMicros, 1e6));
        family(
                text,
                "instance_rss_bytes",
                "gauge",
                instances,
                instance -> Long.toString(usage(instance).residentBytes()));
        family(
                text,
                "instance_cpu_time_s",
                "counter",
                instances,
                instance -> seconds(usage(instance).cpu().toMillis(), 1e3));
        for (String counter : List.of("rx_bytes", "rx_packets", "tx_bytes", "tx_packets")) {
            family(text, "instance_" + counter, "counter", instances, _ -> "0");
        }
        return text.toString();
    }

    private interface Value {
        String of(Instance instance);
    }

    private static void family(StringBuilder text, String name, String type, List<Instance> instances, Value value) {
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
        for (Instance instance : instances) {
            text.append(name)
                    .append("{instance_uuid=\"")
                    .append(instance.uuid)
                    .append("\"} ")
                    .append(value.of(instance))
                    .append('\n');
        }
    }

    private static String seconds(long value, double unit) {
        return String.format(Locale.ROOT, "%.6f", value / unit);
    }

    /** What the account uses and may use. */
    ObjectNode quota(List<Instance> instances, int serviceGroups, int ports, Limits limits) {
        ObjectNode quota = json.createObjectNode().put("status", "success");
        quota.put("uuid", new UUID(0, 1).toString());
        List<Instance> live = instances.stream().filter(Instance::live).toList();
        quota.putObject("used")
                .put("instances", instances.size())
                .put("live_instances", live.size())
                .put(
                        "live_vcpus",
                        live.stream().mapToInt(instance -> instance.vcpus).sum())
                .put(
                        "live_memory_mb",
                        live.stream().mapToLong(instance -> instance.memoryMb).sum())
                .put("service_groups", serviceGroups)
                .put("services", ports)
                .put("volumes", 0)
                .put("total_volume_mb", 0);
        quota.putObject("hard")
                .put("instances", limits.instances())
                .put("live_instances", limits.liveVcpus())
                .put("live_vcpus", limits.liveVcpus())
                .put("live_memory_mb", limits.liveMemoryMb())
                .put("service_groups", ServiceGroups.MOST_GROUPS)
                .put("services", ServiceGroups.MOST_GROUPS)
                .put("volumes", 0)
                .put("total_volume_mb", 0);
        quota.putObject("limits")
                .put("min_memory_mb", Limits.LEAST_MEMORY_MB)
                .put("max_memory_mb", limits.memoryMb())
                .put("min_vcpus", 1)
                .put("max_vcpus", limits.vcpus())
                .put("min_volume_mb", 0)
                .put("max_volume_mb", 0)
                .put("min_autoscale_size", 0)
                .put("max_autoscale_size", 0);
        return quota;
    }

    static boolean isListed(Instance instance) {
        return instance.state != State.TEMPLATE;
    }
}
