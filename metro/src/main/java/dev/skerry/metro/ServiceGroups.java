package dev.skerry.metro;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Names, ports and limits under which instances are published.
 *
 * <p>Kept and answered as the platform does; this metro has no proxy, so nothing listens at the domains.
 */
final class ServiceGroups {
    static final int MOST_GROUPS = 253;
    private static final Logger log = LoggerFactory.getLogger(ServiceGroups.class);
    private static final Duration SETTLING = Duration.ofSeconds(10);
    private static final int MOST_LIMIT = 65535;
    private static final int HTTP = 80;
    private static final int HTTPS = 443;
    private static final String SUFFIX = ".local.internal";
    private static final Pattern LABEL = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,200}[A-Za-z0-9])?\\.?");

    private final Path file;
    private final JsonMapper json = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();
    private final Map<String, ServiceGroup> byUuid = new LinkedHashMap<>();

    ServiceGroups(Path stateDirectory) throws IOException {
        this.file = stateDirectory.toAbsolutePath().resolve("services.json");
        if (Files.exists(file)) {
            try {
                Arrays.stream(json.readValue(Files.readAllBytes(file), ServiceGroup[].class))
                        .forEach(group -> byUuid.put(group.uuid, group));
            } catch (JacksonException e) {
                log.error("cannot read {}: its service groups are forgotten", file);
            }
        }
    }

    synchronized Optional<ServiceGroup> find(String uuidOrName) {
        ServiceGroup byId = byUuid.get(uuidOrName);
        return byId != null
                ? Optional.of(byId)
                : byUuid.values().stream()
                        .filter(group -> group.name.equals(uuidOrName))
                        .findFirst();
    }

    synchronized Collection<ServiceGroup> all() {
        return List.copyOf(byUuid.values());
    }

    /** Makes a group; one that belongs to an instance goes with the last one in it. */
    synchronized ServiceGroup create(Fields fields, boolean persistent) throws ItemException {
        fields.only(Set.of("name", "services", "domains", "soft_limit", "hard_limit", "autokill"));
        ServiceGroup group = new ServiceGroup();
        String name = fields.text("name", "");
        group.uuid = UUID.randomUUID().toString();
        group.name = name.isEmpty() ? "quiet-harbour-" + Instances.randomWord(8) : name;
        group.createdAt = Instances.now();
        group.persistent = persistent;
        if (!LABEL.matcher(group.name).matches()) {
            throw ItemException.invalid("name", "letters, digits, '-' and '.' are allowed");
        }
        if (find(group.name).isPresent()) {
            throw new ItemException(
                    ItemException.ALREADY_EXISTS, "A service group with the name '" + group.name + "' already exists");
        }
        if (byUuid.size() >= MOST_GROUPS) {
            throw new ItemException(ItemException.QUOTA, "Failed to allocate service group. Quota exceeded");
        }
        if (!fields.holds("services")) {
            throw ItemException.invalid("services", "at least one is needed");
        }
        group.services = services(fields, "services");
        group.domains = domains(fields, "domains", name);
        setLimits(group, (int) fields.number("soft_limit", 1, 1, MOST_LIMIT), (int)
                fields.number("hard_limit", MOST_LIMIT, 1, MOST_LIMIT));
        Fields autokill = fields.object("autokill");
        group.autokillMillis = autokill == null ? 0 : autokill.number("time_ms", 0, 0, Long.MAX_VALUE);
        byUuid.put(group.uuid, group);
        save();
        return group;
    }

    synchronized void patch(ServiceGroup group, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "id", "prop", "op", "value"));
        String op = item.text("op", "");
        if (!op.equals("set")) {
            throw ItemException.unsupported("any 'op' but set for service groups");
        }
        switch (item.text("prop", "")) {
            case "soft_limit" -> setLimits(group, (int) item.number("value", 1, 1, MOST_LIMIT), group.hardLimit);
            case "hard_limit" ->
                setLimits(group, group.softLimit, (int) item.number("value", MOST_LIMIT, 1, MOST_LIMIT));
            case "services" -> group.services = services(item, "value");
            case "domains" -> group.domains = domains(item, "value", group.name);
            case "autokill" -> {
                Fields autokill = item.object("value");
                group.autokillMillis = autokill == null ? 0 : autokill.number("time_ms", 0, 0, Long.MAX_VALUE);
            }
            default -> throw ItemException.invalid("prop", "cannot be changed");
        }
        save();
    }

    private static void setLimits(ServiceGroup group, int soft, int hard) {
        if (soft > hard) {
            throw new RequestException(400, "'soft_limit' must not exceed 'hard_limit'");
        }
        group.softLimit = soft;
        group.hardLimit = hard;
    }

    private static List<JsonNode> services(Fields fields, String member) throws ItemException {
        List<JsonNode> services = new ArrayList<>();
        for (Fields service : fields.objects(member)) {
            service.only(Set.of("port", "destination_port", "protocol", "ip", "handlers"));
            long port = service.number("port", 0, 1, MOST_LIMIT);
            service.number("destination_port", port, 1, MOST_LIMIT);
            if (service.text("protocol", "tcp").equals("udp")) {
                throw ItemException.unsupported("UDP services");
            }
            handlers(port, service.texts("handlers", 3, 20));
            services.add(service.node());
        }
        return services;
    }

    private static void handlers(long port, List<String> handlers) throws ItemException {
        if (!Set.of("tls", "http", "redirect").containsAll(handlers)) {
            throw ItemException.invalid("handlers", "must be of tls, http, redirect");
        }
        boolean tls = handlers.contains("tls");
        boolean http = handlers.contains("http");
        boolean allowed = port == HTTP ? http && !tls : port == HTTPS ? http && tls : tls && !http;
        if (port == 0 || !allowed) {
            throw ItemException.invalid(
                    "handlers", "80 needs http, 443 needs http and tls, every other port needs tls alone");
        }
    }

    private static List<String> domains(Fields fields, String member, String name) throws ItemException {
        List<String> domains = new ArrayList<>();
        for (Fields domain : fields.objects(member)) {
            if (domain.has("certificate")) {
                throw ItemException.unsupported("certificates");
            }
            String wanted = domain.text("name", "");
            if (!LABEL.matcher(wanted).matches()) {
                throw ItemException.invalid("domains", "a name is needed");
            }
            domains.add(wanted.endsWith(".") ? wanted.substring(0, wanted.length() - 1) : wanted + SUFFIX);
        }
        if (domains.isEmpty()) {
            domains.add((name.isEmpty() ? "quiet-harbour" : name) + "-" + Instances.randomWord(8) + SUFFIX);
        }
        return domains;
    }

    synchronized void delete(ServiceGroup group, boolean attached) throws ItemException {
        if (attached) {
            throw new ItemException(ItemException.ATTACHED, "The service group still has instances");
        }
        byUuid.remove(group.uuid);
        save();
    }

    /** Drops groups that were made for instances that are gone. */
    synchronized void dropUnused(Collection<Instance> instances) {
        boolean dropped = byUuid.values()
                .removeIf(group -> !group.persistent
                        && Instant.parse(group.createdAt).plus(SETTLING).isBefore(Instant.now())
                        && instances.stream().noneMatch(instance -> group.uuid.equals(instance.serviceGroup)));
        if (dropped) {
            save();
        }
    }

    private void save() {
        try {
            Path fresh = file.resolveSibling("services.json.new");
            Files.write(fresh, json.writeValueAsBytes(List.copyOf(byUuid.values())));
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            log.error("cannot keep the service groups: {}", e.getMessage());
        }
    }
}
