package dev.skerry.metro;

import dev.skerry.metro.Instance.Rom;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads a create request, and refuses by name what this metro cannot do rather than ignoring it. */
final class OrderReader {
    static final int MOST_TAGS = 16;
    static final int LONGEST_TAG = 256;
    static final int MOST_ARGUMENTS = 253;
    private static final int MOST_REPLICAS = 253;
    private static final int MOST_ANNOTATIONS = 256;
    private static final int MOST_ROMS = 8;
    private static final int MOST_ROM_FILES = 16;
    private static final int MOST_ROM_BYTES = 1 << 20;
    private static final int LONGEST_TEXT = 64 << 10;
    private static final long LONGEST_COOLDOWN = 86_400_000;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?");
    private static final Pattern HOSTNAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?");
    private static final Pattern ROM_PATH =
            Pattern.compile("(?!.*(^|/)\\.\\.?(/|$))[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*");
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
            "template",
            "branch_from",
            "checkpoint",
            "schedules",
            "autokill",
            "hostname",
            "dependencies",
            "sched_priority",
            "type",
            "gpus");
    private static final List<String> UNSUPPORTED =
            List.of("volumes", "plugins", "schedules", "branch_from", "checkpoint", "dependencies", "gpus");
    private static final List<String> SETTLED_BY_TEMPLATE = List.of("image", "args", "env", "memory_mb", "vcpus");

    private final Limits limits;

    OrderReader(Limits limits) {
        this.limits = limits;
    }

    /**
     * A create request.
     *
     * @param prepare what to make the template from when it is missing, null when it must be there
     * @param waitSeconds 0 for none, -1 for the longest
     */
    record Wanted(
            Order order,
            @Nullable Fields serviceGroup,
            @Nullable Prepare prepare,
            int replicas,
            long waitSeconds) {}

    /** An on-demand template. */
    record Prepare(String name, Order order, long timeoutSeconds, long autokillMillis) {}

    Wanted read(Fields item) throws ItemException {
        item.only(MEMBERS);
        for (String member : UNSUPPORTED) {
            if (item.holds(member) && !item.node().path(member).equals(zero())) {
                throw ItemException.unsupported("'" + member + "'");
            }
        }
        if (item.text("type", "micro").equals("full")) {
            throw ItemException.unsupported("type 'full'");
        }
        Fields template = item.object("template");
        long wait = waitSeconds(item);
        boolean autostart = item.flag("autostart", false);
        if (wait != 0 && !autostart) {
            throw new ItemException(ItemException.NOT_BOTH, "'timeout_s' needs 'autostart'");
        }
        return new Wanted(
                order(item, template),
                item.object("service_group"),
                template == null ? null : prepare(template),
                (int) item.number("replicas", 0, 0, MOST_REPLICAS),
                wait);
    }

    private static JsonNode zero() {
        return tools.jackson.databind.node.JsonNodeFactory.instance.numberNode(0);
    }

    private static long waitSeconds(Fields item) throws ItemException {
        long millis = item.number("wait_timeout_ms", 0, -1, Integer.MAX_VALUE);
        long rounded = millis < 0 ? -1 : (millis + 999) / 1000;
        return item.number("timeout_s", rounded, -1, Integer.MAX_VALUE);
    }

    private Order order(Fields item, @Nullable Fields template) throws ItemException {
        if (template != null) {
            for (String member : SETTLED_BY_TEMPLATE) {
                if (item.has(member)) {
                    throw new ItemException(
                            ItemException.NOT_BOTH, "Cannot specify '" + member + "' when creating from a template");
                }
            }
        }
        String restart = item.text("restart_policy", "never");
        if (!Set.of("never", "always", "on-failure").contains(restart)) {
            throw ItemException.invalid("restart_policy", "must be one of never, always, on-failure");
        }
        Fields scale = item.object("scale_to_zero");
        boolean deleteOnStop = deleteOnStop(item);
        if (deleteOnStop && (!restart.equals("never") || scale != null)) {
            throw new ItemException(
                    ItemException.NOT_BOTH, "'delete-on-stop' excludes a restart policy and scale-to-zero");
        }
        Map<String, String> annotations = item.textMap("annotations");
        checkAnnotations(annotations);
        Fields autokill = item.object("autokill");
        return new Order(
                name(item.text("name", "")),
                template == null ? image(item) : "",
                template == null ? null : reference(template, "template"),
                item.texts("args", MOST_ARGUMENTS, LONGEST_TEXT),
                item.textMap("env"),
                (int) item.number("memory_mb", 128, Limits.LEAST_MEMORY_MB, limits.memoryMb()),
                (int) item.number("vcpus", 1, 1, limits.vcpus()),
                hostname(item.text("hostname", "")),
                item.texts("tags", MOST_TAGS, LONGEST_TAG),
                annotations,
                deleteOnStop,
                restart,
                scale == null ? null : scaleToZero(scale),
                roms(item),
                autokill == null ? 0 : autokillMillis(autokill),
                null,
                item.flag("autostart", false));
    }

    private static long autokillMillis(Fields autokill) throws ItemException {
        autokill.only(Set.of("time_ms", "num_requests"));
        if (autokill.number("num_requests", 0, 0, Long.MAX_VALUE) > 0) {
            throw ItemException.unsupported("'autokill.num_requests'");
        }
        return autokill.number("time_ms", 0, 0, Long.MAX_VALUE);
    }

    private @Nullable Prepare prepare(Fields template) throws ItemException {
        template.only(Set.of("uuid", "name", "prepare", "create_args", "prepare_timeout_s", "autokill"));
        Fields arguments = template.object("create_args");
        if (!template.flag("prepare", false)) {
            return null;
        }
        String name = template.text("name", "");
        if (arguments == null || name.isEmpty()) {
            throw ItemException.invalid("template", "'prepare' needs 'name' and 'create_args'");
        }
        Fields autokill = template.object("autokill");
        Order source = order(arguments, null);
        return new Prepare(
                name(name),
                new Order(
                        name(name),
                        source.image(),
                        null,
                        source.args(),
                        source.env(),
                        source.memoryMb(),
                        source.vcpus(),
                        source.hostname(),
                        source.tags(),
                        source.annotations(),
                        false,
                        "never",
                        source.scaleToZero(),
                        source.roms(),
                        0,
                        null,
                        true),
                template.number("prepare_timeout_s", -1, -1, Integer.MAX_VALUE),
                autokill == null ? 0 : autokill.number("time_ms", 0, 0, Long.MAX_VALUE));
    }

    private static String name(String name) throws ItemException {
        if (name.length() > 255) {
            throw new ItemException(ItemException.TOO_LONG, "Too long: 'name'");
        }
        if (!name.isEmpty() && !NAME.matcher(name).matches()) {
            throw ItemException.invalid("name", "letters, digits, '-', '_' and '.' are allowed");
        }
        return name;
    }

    static String hostname(String hostname) throws ItemException {
        if (!hostname.isEmpty() && !HOSTNAME.matcher(hostname).matches()) {
            throw ItemException.invalid("hostname", "a DNS label is needed");
        }
        return hostname;
    }

    private static String image(Fields item) throws ItemException {
        String image = item.node().path("image").isObject()
                ? new Fields(item.node().path("image")).text("url", "")
                : item.text("image", "");
        if (image.isEmpty()) {
            throw ItemException.invalid("image", "one of 'image' and 'template' is needed");
        }
        return image;
    }

    /** The uuid or name in a reference object. */
    static String reference(Fields fields, String what) throws ItemException {
        String uuid = fields.text("uuid");
        String name = fields.text("name");
        if (uuid != null && name != null) {
            throw new ItemException(ItemException.NOT_BOTH, "Not both of 'uuid' and 'name' in '" + what + "'");
        }
        if (uuid == null && name == null) {
            throw new ItemException(
                    ItemException.MISSING_ID, "Exactly one of 'uuid' and 'name' is needed in '" + what + "'");
        }
        return uuid != null ? uuid : String.valueOf(name);
    }

    private static boolean deleteOnStop(Fields item) throws ItemException {
        boolean found = false;
        for (String feature : item.texts("features", 8, 64)) {
            if (feature.equals("delete-on-stop")) {
                found = true;
            } else if (feature.equals("nested-virt")) {
                throw ItemException.unsupported("feature 'nested-virt'");
            } else {
                throw ItemException.invalid("features", "unknown feature");
            }
        }
        return found;
    }

    static JsonNode scaleToZero(Fields scale) throws ItemException {
        scale.only(Set.of("enabled", "policy", "stateful", "cooldown_time_ms", "notify_time_ms"));
        String policy = scale.text("policy", "off");
        if (!Set.of("off", "on", "idle").contains(policy)) {
            throw ItemException.invalid("policy", "must be one of off, on, idle");
        }
        var result = tools.jackson.databind.node.JsonNodeFactory.instance.objectNode();
        result.put("enabled", !policy.equals("off"));
        result.put("policy", policy);
        result.put("stateful", scale.flag("stateful", false));
        result.put("cooldown_time_ms", scale.number("cooldown_time_ms", 1000, 0, LONGEST_COOLDOWN));
        result.put("notify_time_ms", scale.number("notify_time_ms", 0, 0, LONGEST_COOLDOWN));
        return result;
    }

    /** Control characters in annotations are refused for the request as a whole. */
    static void checkAnnotations(Map<String, String> annotations) throws ItemException {
        if (annotations.size() > MOST_ANNOTATIONS) {
            throw ItemException.invalid("annotations", "at most " + MOST_ANNOTATIONS + " items");
        }
        for (String value : annotations.values()) {
            if (value.chars().anyMatch(Character::isISOControl)) {
                throw new RequestException(400, "Annotation values must not hold control characters");
            }
        }
    }

    private static List<Rom> roms(Fields item) throws ItemException {
        List<Rom> roms = new ArrayList<>();
        for (Fields rom : item.objects("roms")) {
            rom.only(Set.of("name", "image", "at", "files"));
            if (rom.has("image")) {
                throw ItemException.unsupported("a ROM from an image; use 'files'");
            }
            String at = rom.text("at");
            if (at != null
                    && !(at.startsWith("/") && ROM_PATH.matcher(at.substring(1)).matches())) {
                throw ItemException.invalid("at", "an absolute path without dots is needed");
            }
            String name = name(rom.text("name", ""));
            if (name.isEmpty()) {
                throw ItemException.invalid("roms", "a ROM needs a name");
            }
            roms.add(new Rom(name, at, files(rom)));
        }
        if (roms.size() > MOST_ROMS) {
            throw ItemException.invalid("roms", "at most " + MOST_ROMS);
        }
        return roms;
    }

    private static Map<String, String> files(Fields rom) throws ItemException {
        Map<String, String> files = new LinkedHashMap<>();
        long bytes = 0;
        for (Fields file : rom.objects("files")) {
            String path = file.text("path", "");
            if (!ROM_PATH.matcher(path).matches()) {
                throw ItemException.invalid("path", "a relative path without dots is needed");
            }
            byte[] content = content(file);
            bytes += content.length;
            files.put(path, Base64.getEncoder().encodeToString(content));
        }
        if (files.size() > MOST_ROM_FILES || bytes > MOST_ROM_BYTES) {
            throw new ItemException(
                    ItemException.TOO_LONG, "A ROM holds at most " + MOST_ROM_FILES + " files of 1 MB together");
        }
        return files;
    }

    private static byte[] content(Fields file) throws ItemException {
        String data = file.text("data", "");
        if (file.text("encoding", "text").equals("base64")) {
            try {
                return Base64.getDecoder().decode(data);
            } catch (IllegalArgumentException e) {
                throw ItemException.invalid("data", "not Base64");
            }
        }
        return data.getBytes(StandardCharsets.UTF_8);
    }
}
