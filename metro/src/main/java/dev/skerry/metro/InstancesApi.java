package dev.skerry.metro;

import dev.skerry.metro.Instance.State;
import dev.skerry.metro.Instances.Order;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The instance endpoints: one result per item, whatever becomes of the others. */
final class InstancesApi {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?");
    private static final Set<String> MEMBERS = Set.of(
            "name",
            "image",
            "args",
            "env",
            "memory_mb",
            "vcpus",
            "service_group",
            "volumes",
            "autostart",
            "timeout_s",
            "wait_timeout_ms",
            "replicas",
            "restart_policy",
            "scale_to_zero",
            "features",
            "roms",
            "plugins",
            "tags",
            "annotations",
            "schedules",
            "autokill",
            "hostname",
            "dependencies",
            "type");
    private static final int LEAST_MEMORY = 16;
    private static final int MOST_MEMORY = 8192;
    private static final int MOST_VCPUS = 8;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final int DEFAULT_LOG = 4096;
    private static final int MOST_LOG = 16383;

    private final Instances instances;
    private final JsonMapper json;
    private final int maxInstances;

    InstancesApi(Instances instances, JsonMapper json, int maxInstances) {
        this.instances = instances;
        this.json = json;
        this.maxInstances = maxInstances;
    }

    /** Does something to one item; answers what to say of it. */
    interface ItemAction {
        ObjectNode on(Instance instance, JsonNode item) throws ItemException;
    }

    List<ObjectNode> create(JsonNode body) {
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : items(body)) {
            try {
                Instance instance = instances.create(order(item));
                ObjectNode result = success(instance);
                result.put("private_fqdn", instance.name + ".internal");
                if (instance.state == State.STOPPED && instance.stopReason != 0) {
                    result.put("status", "error").put("message", "Instance stopped before running");
                }
                results.add(result);
            } catch (ItemException e) {
                results.add(failure(item, e));
            }
        }
        return results;
    }

    private static Order order(JsonNode item) throws ItemException {
        for (String member : item.propertyNames()) {
            if (!MEMBERS.contains(member)) {
                throw new ItemException(6, "Unknown member '" + member + "'");
            }
        }
        String image = item.path("image").isObject()
                ? item.path("image").path("url").asString("")
                : item.path("image").asString("");
        if (image.isEmpty()) {
            throw new ItemException(ItemException.INVALID, "Missing member 'image'");
        }
        String name = item.path("name").asString("instance-" + Long.toString(System.nanoTime(), 36));
        if (!NAME.matcher(name).matches()) {
            throw new ItemException(ItemException.INVALID, "Invalid name");
        }
        return new Order(
                name,
                image,
                strings(item.path("env"), "env"),
                number(item, "memory_mb", 128, LEAST_MEMORY, MOST_MEMORY),
                number(item, "vcpus", 1, 1, MOST_VCPUS),
                item.path("tags").valueStream().map(tag -> tag.asString("")).toList(),
                strings(item.path("annotations"), "annotations"),
                item.path("scale_to_zero").isObject() ? item.path("scale_to_zero") : null,
                item.path("autokill").path("time_ms").asLong(0),
                item.path("autostart").asBoolean(false));
    }

    private static int number(JsonNode item, String member, int otherwise, int least, int most) throws ItemException {
        int value = item.path(member).asInt(otherwise);
        if (value < least || value > most) {
            throw new ItemException(
                    ItemException.INVALID, "'" + member + "' must be between " + least + " and " + most);
        }
        return value;
    }

    private static Map<String, String> strings(JsonNode object, String member) throws ItemException {
        Map<String, String> values = new LinkedHashMap<>();
        for (String name : object.propertyNames()) {
            JsonNode value = object.path(name);
            if (!value.isString()) {
                throw new ItemException(ItemException.INVALID, "Values of '" + member + "' must be strings");
            }
            values.put(name, value.asString());
        }
        return values;
    }

    /** The items of a bulk request, or the one of a by-uuid request. */
    List<ObjectNode> each(JsonNode body, @Nullable String uuid, ItemAction action) {
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : items(body)) {
            try {
                results.add(action.on(wanted(item, uuid), item));
            } catch (ItemException e) {
                results.add(failure(item, e));
            }
        }
        return results;
    }

    private Instance wanted(JsonNode item, @Nullable String uuid) throws ItemException {
        String key = uuid != null
                ? uuid
                : item.path("uuid").asString(item.path("name").asString(""));
        if (key.isEmpty()) {
            throw new ItemException(ItemException.MISSING_ID, "Exactly one of 'uuid' and 'name' is needed");
        }
        String kind = uuid != null || item.has("uuid") ? "uuid" : "name";
        return instances
                .find(key)
                .orElseThrow(() ->
                        new ItemException(ItemException.NOT_FOUND, "No instance with " + kind + " '" + key + "'"));
    }

    private List<JsonNode> items(JsonNode body) {
        if (body.isArray()) {
            return body.valueStream().toList();
        }
        return List.of(body.isObject() ? body : json.createObjectNode());
    }

    ItemAction start() {
        return changing((instance, item) -> instances.start(instance));
    }

    ItemAction stop() {
        return changing(
                (instance, item) -> instances.stop(instance, item.path("force").asBoolean(false)));
    }

    ItemAction suspend() {
        return changing((instance, item) -> instances.suspend(instance));
    }

    ItemAction delete() {
        return (instance, item) -> {
            String before = instance.state.wire();
            instances.delete(instance);
            return identified(instance).put("previous_state", before);
        };
    }

    private interface Change {
        void on(Instance instance, JsonNode item) throws ItemException;
    }

    private ItemAction changing(Change change) {
        return (instance, item) -> {
            String before = instance.state.wire();
            change.on(instance, item);
            return success(instance).put("previous_state", before);
        };
    }

    /** Only tags can be changed here; the platform queues the rest until the instance stops. */
    ItemAction patch() {
        return (instance, item) -> {
            if (!item.path("prop").asString("").equals("tags")
                    || !item.path("op").asString("").equals("set")) {
                throw new ItemException(1, "Not supported");
            }
            instance.tags = item.path("value")
                    .valueStream()
                    .map(tag -> tag.asString(""))
                    .toList();
            instances.save(instance);
            return identified(instance);
        };
    }

    ItemAction await() {
        return (instance, item) -> {
            String wanted = item.path("state").asString("running");
            long seconds = item.path("timeout_s").asLong(LONGEST_WAIT.toSeconds());
            Duration patience =
                    seconds < 0 || seconds > LONGEST_WAIT.toSeconds() ? LONGEST_WAIT : Duration.ofSeconds(seconds);
            Instant deadline = Instant.now().plus(patience);
            while (!instance.state.wire().equals(wanted) && Instant.now().isBefore(deadline)) {
                pause();
            }
            ObjectNode result = success(instance);
            return instance.state.wire().equals(wanted) ? result : result.put("status", "error");
        };
    }

    private static void pause() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    ItemAction log() {
        return (instance, item) -> {
            Path console = instances.console(instance);
            try {
                long size = Files.exists(console) ? Files.size(console) : 0;
                int limit = Math.min(MOST_LOG, item.path("limit").asInt(DEFAULT_LOG));
                long offset = item.path("offset").asLong(-DEFAULT_LOG);
                long from = Math.min(size, offset < 0 ? Math.max(0, size + offset) : offset);
                byte[] bytes = new byte[(int) Math.max(0, Math.min(limit, size - from))];
                if (bytes.length > 0) {
                    try (RandomAccessFile file = new RandomAccessFile(console.toFile(), "r")) {
                        file.seek(from);
                        file.readFully(bytes);
                    }
                }
                ObjectNode result = success(instance);
                result.put("output", Base64.getEncoder().encodeToString(bytes));
                result.putObject("available").put("start", 0).put("end", size);
                result.putObject("range").put("start", from).put("end", from + bytes.length);
                return result;
            } catch (IOException e) {
                throw new ItemException(ItemException.OPERATION_FAILED, "The log cannot be read");
            }
        };
    }

    /** What a listing asks for; see the platform's query parameters. */
    List<ObjectNode> list(Query query) {
        List<String> wanted = new ArrayList<>(query.all("uuid"));
        wanted.addAll(query.all("name"));
        if (!wanted.isEmpty()) {
            return wanted.stream().map(this::oneOrMissing).toList();
        }
        List<String> tags = query.all("tags").stream()
                .flatMap(tag -> List.of(tag.split(",", -1)).stream())
                .toList();
        List<Instance> found = new ArrayList<>(instances.all().stream()
                .filter(instance -> instance.tags.containsAll(tags))
                .toList());
        if ("desc".equals(query.one("order"))) {
            found = found.reversed();
        }
        String from = query.one("from");
        if (from != null) {
            List<String> uuids = found.stream().map(instance -> instance.uuid).toList();
            found = found.subList(Math.max(0, uuids.indexOf(from)), found.size());
        }
        String count = query.one("count");
        int most = count != null && count.matches("\\d{1,6}") ? Integer.parseInt(count) : Integer.MAX_VALUE;
        return found.stream().limit(most).map(this::details).toList();
    }

    private ObjectNode oneOrMissing(String key) {
        return instances
                .find(key)
                .map(this::details)
                .orElseGet(() -> json.createObjectNode()
                        .put("status", "error")
                        .put("name", key)
                        .put("message", "No instance with name '" + key + "'")
                        .put("error", ItemException.NOT_FOUND));
    }

    ObjectNode details(Instance instance) {
        ObjectNode details = success(instance);
        details.put("created_at", instance.createdAt);
        details.put("image", instance.image);
        details.put("memory_mb", instance.memoryMb);
        details.put("vcpus", instance.vcpus);
        details.put("restart_policy", "never");
        details.put("private_fqdn", instance.name + ".internal");
        details.put("start_count", instance.startCount);
        details.put("boot_time_us", instance.bootTimeMicros);
        details.set("tags", json.valueToTree(instance.tags));
        details.set("annotations", json.valueToTree(instance.annotations));
        if (instance.startedAt != null) {
            details.put("started_at", instance.startedAt);
        }
        if (instance.stoppedAt != null) {
            details.put("stopped_at", instance.stoppedAt);
            details.put("stop_reason", instance.stopReason);
            details.put("stop_code", instance.stopCode);
            details.put("exit_code", instance.exitCode);
        }
        if (instance.autokillMillis > 0) {
            details.putObject("autokill").put("time_ms", instance.autokillMillis);
        }
        return details;
    }

    ItemAction metrics() {
        return (instance, item) -> success(instance)
                .put("start_count", instance.startCount)
                .put("boot_time_us", instance.bootTimeMicros)
                .put("rss_bytes", residentBytes(instance));
    }

    private static long residentBytes(Instance instance) {
        return instance.sandbox == null ? 0 : instance.sandbox.usage().residentBytes();
    }

    String prometheus() {
        StringBuilder text = new StringBuilder();
        for (Instance instance : instances.all()) {
            String label = "{instance_uuid=\"" + instance.uuid + "\"} ";
            int state = switch (instance.state) {
                case STOPPED -> 0;
                case RUNNING -> 2;
                case STANDBY -> 5;
            };
            text.append("instance_state").append(label).append(state).append('\n');
            text.append("instance_start_count")
                    .append(label)
                    .append(instance.startCount)
                    .append('\n');
            text.append(String.format(Locale.ROOT, "instance_rss_bytes%s%d%n", label, residentBytes(instance)));
        }
        return text.toString();
    }

    ArrayNode quotas() {
        ObjectNode quota = json.createObjectNode();
        long live = instances.all().stream()
                .filter(instance -> instance.state != State.STOPPED)
                .count();
        quota.putObject("used").put("instances", instances.all().size()).put("live_instances", live);
        quota.putObject("hard").put("instances", maxInstances).put("live_instances", maxInstances);
        quota.putObject("limits")
                .put("min_memory_mb", LEAST_MEMORY)
                .put("max_memory_mb", MOST_MEMORY)
                .put("min_vcpus", 1)
                .put("max_vcpus", MOST_VCPUS);
        return json.createArrayNode().add(quota);
    }

    private ObjectNode success(Instance instance) {
        return identified(instance).put("state", instance.state.wire());
    }

    private ObjectNode identified(Instance instance) {
        return json.createObjectNode()
                .put("status", "success")
                .put("uuid", instance.uuid)
                .put("name", instance.name);
    }

    private ObjectNode failure(JsonNode item, ItemException e) {
        ObjectNode failure = json.createObjectNode().put("status", "error");
        for (String id : List.of("uuid", "name")) {
            if (item.path(id).isString()) {
                failure.put(id, item.path(id).asString());
            }
        }
        return failure.put("message", Objects.toString(e.getMessage())).put("error", e.code());
    }
}
