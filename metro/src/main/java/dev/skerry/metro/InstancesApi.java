package dev.skerry.metro;

import dev.skerry.metro.Instance.State;
import dev.skerry.metro.OrderReader.Prepare;
import dev.skerry.metro.OrderReader.Wanted;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The instance endpoints: one result per item, whatever becomes of the others. */
final class InstancesApi {
    static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final String KEY = "instances";
    private static final long LONGEST_DRAIN = 3_600_000;
    private static final Set<String> VERBS = Set.of("start", "stop", "suspend", "wait", "log", "metrics", "history");

    private final Instances instances;
    private final InstanceView view;
    private final Patches patches;
    private final OrderReader orders;
    private final ServiceGroups services;
    private final Consoles consoles;
    private final Faults faults;
    private final Envelope envelope;
    private final JsonMapper json;

    InstancesApi(
            Instances instances,
            InstanceView view,
            ServiceGroups services,
            Consoles consoles,
            Faults faults,
            Envelope envelope,
            JsonMapper json) {
        this.instances = instances;
        this.view = view;
        this.patches = new Patches(instances.limits());
        this.orders = new OrderReader(instances.limits());
        this.services = services;
        this.consoles = consoles;
        this.faults = faults;
        this.envelope = envelope;
        this.json = json;
    }

    /** Does something to one item; answers what to say of it. */
    private interface ItemAction {
        ObjectNode on(Instance instance, Fields item) throws ItemException;
    }

    Reply handle(Call call) {
        String last = call.path().getLast();
        if (call.part(1).equals("templates")) {
            return templates(call);
        }
        if (call.part(1).equals("checkpoints")) {
            return envelope.items(KEY, notSupported(call, "checkpoints"), call.began());
        }
        if (call.path().size() > 2 && call.part(2).equals("plugins")) {
            return envelope.refusal(404, "No such plugin");
        }
        boolean verb = call.path().size() > 1 && VERBS.contains(last);
        int rest = call.path().size() - (verb ? 2 : 1);
        if (rest > 1 || (rest == 1 && call.part(1).isEmpty())) {
            return envelope.refusal(404, "No such endpoint");
        }
        String uuid = rest == 1 ? call.part(1) : null;
        return switch (call.method() + " " + (verb ? last : "")) {
            case "POST " -> uuid == null ? create(call) : envelope.refusal(405, "Wrong method");
            case "GET " -> list(call, uuid, InstanceView::isListed, "instance");
            case "PATCH " -> each(call, uuid, this::patch);
            case "DELETE " -> each(call, uuid, this::delete);
            case "PUT start" -> each(call, uuid, this::start);
            case "PUT stop" -> each(call, uuid, this::stop);
            case "PUT suspend", "POST suspend" -> each(call, uuid, this::suspend);
            case "GET wait" -> each(call, uuid, this::await);
            case "GET log" -> each(call, uuid, (instance, item) -> consoles.read(instance, item, view.state(instance)));
            case "GET metrics", "POST metrics" -> metrics(call, uuid);
            case "GET history" ->
                each(call, uuid, (instance, _) -> {
                    ObjectNode lineage = view.identity(instance);
                    lineage.putArray("history");
                    return lineage;
                });
            default -> envelope.refusal(405, "Wrong method");
        };
    }

    private List<ObjectNode> notSupported(Call call, String what) {
        return call.items().stream()
                .map(item -> envelope.failure(item, ItemException.unsupported(what)))
                .toList();
    }

    private Reply create(Call call) {
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : call.items()) {
            try {
                results.addAll(created(orders.read(Fields.of(item))));
            } catch (ItemException e) {
                if (e.code() == ItemException.ALREADY_EXISTS
                        && faults.strike(
                                        Fault.Scope.CLASH,
                                        "create",
                                        item.path("name").asString(""))
                                .isPresent()) {
                    throw new RequestException(409, String.valueOf(e.getMessage()));
                }
                results.add(envelope.failure(item, e));
            }
        }
        return envelope.items(KEY, results, call.began());
    }

    private List<ObjectNode> created(Wanted wanted) throws ItemException {
        faults.failItem("create", wanted.order().name());
        if (wanted.prepare() != null) {
            prepare(wanted.prepare());
        }
        String group = serviceGroup(wanted.serviceGroup());
        List<ObjectNode> results = new ArrayList<>();
        for (int replica = 0; replica <= wanted.replicas(); replica++) {
            Instance instance = instances.create(numbered(wanted.order(), group, replica));
            results.add(awaited(instance, wanted.waitSeconds()));
        }
        return results;
    }

    /** Makes the template unless it is there: boots its source and captures it as soon as it runs. */
    private void prepare(Prepare wanted) throws ItemException {
        Optional<Instance> found = instances.named(wanted.name());
        Instance source = found.isPresent() ? found.get() : instances.create(wanted.order());
        Duration patience = patience(wanted.timeoutSeconds());
        if (source.state != State.TEMPLATE) {
            instances.await(source, instance -> settled(instance.state), patience);
            if (source.state == State.RUNNING) {
                instances.toTemplate(source, wanted.autokillMillis());
            }
            if (!instances.await(source, instance -> instance.state == State.TEMPLATE, patience)) {
                throw new ItemException(
                        ItemException.OPERATION_FAILED,
                        "The template '" + wanted.name() + "' was not prepared in time");
            }
        }
    }

    private @Nullable String serviceGroup(@Nullable Fields wanted) throws ItemException {
        if (wanted == null) {
            return null;
        }
        if (wanted.has("services")) {
            return services.create(wanted, false).uuid;
        }
        String key = OrderReader.reference(wanted, "service_group");
        return services.find(key)
                .map(group -> group.uuid)
                .orElseThrow(() ->
                        new ItemException(ItemException.NOT_FOUND, "No service group with name or uuid '" + key + "'"));
    }

    private static Order numbered(Order order, @Nullable String group, int replica) {
        return new Order(
                replica == 0 || order.name().isEmpty() ? order.name() : order.name() + "-" + Instances.randomWord(5),
                order.image(),
                order.template(),
                order.args(),
                order.env(),
                order.memoryMb(),
                order.vcpus(),
                order.hostname(),
                order.tags(),
                order.annotations(),
                order.deleteOnStop(),
                order.restartPolicy(),
                order.scaleToZero(),
                order.roms(),
                order.autokillMillis(),
                group,
                order.autostart());
    }

    /** What a create answers after waiting: running, still on its way, or stopped before it ran. */
    private ObjectNode awaited(Instance instance, long seconds) {
        if (seconds == 0) {
            return view.created(instance);
        }
        boolean done = instances.await(instance, found -> settled(found.state), patience(seconds));
        ObjectNode result = view.created(instance);
        if (!done && !settled(instance.state)) {
            return Envelope.lapsed(result);
        }
        return instance.state == State.RUNNING ? result : result.put("status", "error");
    }

    private static boolean settled(State state) {
        return state == State.RUNNING || state == State.STOPPED || state == State.DELETED || state == State.TEMPLATE;
    }

    private static Duration patience(long seconds) {
        return seconds < 0 || seconds > LONGEST_WAIT.toSeconds() ? LONGEST_WAIT : Duration.ofSeconds(seconds);
    }

    private Reply each(Call call, @Nullable String uuid, ItemAction action) {
        List<JsonNode> items = Selection.items(call, uuid, json);
        if (items.isEmpty()) {
            ItemException missing =
                    new ItemException(ItemException.MISSING_ID, "Exactly one of 'uuid' and 'name' is needed");
            return envelope.items(KEY, List.of(envelope.failure(json.createObjectNode(), missing)), call.began());
        }
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : items) {
            try {
                Fields fields = Fields.of(item);
                Instance instance = wanted(fields, "instance", InstanceView::isListed);
                faults.failItem(call.operation(), instance.name);
                results.add(action.on(instance, fields));
            } catch (ItemException e) {
                results.add(envelope.failure(item, e));
            }
        }
        return envelope.items(KEY, results, call.began());
    }

    private interface Kind {
        boolean has(Instance instance);
    }

    private Instance wanted(Fields item, String noun, Kind kind) throws ItemException {
        String uuid = item.text("uuid");
        String name = item.text("name");
        if ((uuid == null) == (name == null)) {
            throw new ItemException(
                    uuid == null ? ItemException.MISSING_ID : ItemException.NOT_BOTH,
                    "Exactly one of 'uuid' and 'name' is needed");
        }
        String key = uuid == null ? String.valueOf(name) : Selection.uuid(uuid);
        Optional<Instance> found = uuid == null ? instances.named(key) : instances.find(key);
        return found.filter(kind::has)
                .orElseThrow(() -> new ItemException(
                        ItemException.NOT_FOUND,
                        "No " + noun + " with " + (uuid == null ? "name" : "uuid") + " '" + shortened(key) + "'"));
    }

    private static String shortened(String text) {
        return text.length() > 255 ? text.substring(0, 255) : text;
    }

    private Reply list(Call call, @Nullable String uuid, Kind kind, String noun) {
        Query query = call.query();
        List<JsonNode> named = new ArrayList<>();
        if (uuid != null) {
            named.add(json.createObjectNode().put("uuid", uuid));
        } else {
            Selection.uuids(query)
                    .forEach(id -> named.add(json.createObjectNode().put("uuid", id)));
            query.all("name").forEach(name -> named.add(json.createObjectNode().put("name", name)));
        }
        boolean details = !"false".equals(query.one("details"));
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : named) {
            try {
                results.add(shown(wanted(new Fields(item), noun, kind), details));
            } catch (ItemException e) {
                results.add(envelope.failure(item, e));
            }
        }
        if (named.isEmpty()) {
            List<String> tags = Selection.split(query.all("tags"));
            List<Instance> all = instances.all().stream()
                    .filter(instance -> kind.has(instance) && instance.tags.containsAll(tags))
                    .toList();
            Selection.page(all, query, instance -> instance.uuid)
                    .forEach(instance -> results.add(shown(instance, details)));
        }
        return envelope.items(KEY, results, call.began());
    }

    private ObjectNode shown(Instance instance, boolean details) {
        synchronized (instances) {
            return details ? view.details(instance) : view.identity(instance);
        }
    }

    private ObjectNode start(Instance instance, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "timeout_s", "wait_timeout_ms"));
        long seconds = item.number("timeout_s", 0, -1, Integer.MAX_VALUE);
        String before = instance.state.wire();
        instances.start(instance);
        boolean lapsed = seconds != 0 && !instances.await(instance, found -> settled(found.state), patience(seconds));
        ObjectNode result = view.state(instance).put("previous_state", before);
        return lapsed ? Envelope.lapsed(result) : result;
    }

    private ObjectNode stop(Instance instance, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "force", "drain_timeout_ms", "quick", "ifstate", "dump"));
        boolean force = item.flag("force", false);
        item.number("drain_timeout_ms", 0, -1, LONGEST_DRAIN);
        if (force && item.has("drain_timeout_ms")) {
            throw new RequestException(400, "Not both of 'force' and 'drain_timeout_ms'");
        }
        if (item.flag("dump", false)) {
            throw ItemException.unsupported("'dump'");
        }
        String before = instance.state.wire();
        String condition = item.text("ifstate", before);
        if (!condition.equals(before)) {
            throw new ItemException(
                    ItemException.WRONG_STATE, "The instance is in state '" + before + "', not '" + condition + "'");
        }
        instances.stop(instance, force || item.flag("quick", false));
        return view.state(instance).put("previous_state", before);
    }

    /** Nothing ever connects through this metro, so there is nothing to drain. */
    private ObjectNode suspend(Instance instance, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "drain_timeout_ms"));
        item.number("drain_timeout_ms", 0, -1, LONGEST_DRAIN);
        String before = instance.state.wire();
        instances.suspend(instance);
        return view.state(instance).put("previous_state", before);
    }

    private ObjectNode delete(Instance instance, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "timeout_s", "dont_retain"));
        long seconds = item.number("timeout_s", 0, -1, Integer.MAX_VALUE);
        String before = instance.state.wire();
        instances.delete(instance);
        ObjectNode result = view.identity(instance).put("previous_state", before);
        boolean lapsed =
                seconds != 0 && !instances.await(instance, found -> found.state == State.DELETED, patience(seconds));
        return lapsed ? Envelope.lapsed(result.put("state", instance.state.wire())) : result;
    }

    private ObjectNode patch(Instance instance, Fields item) throws ItemException {
        synchronized (instances) {
            patches.patch(instance, item);
            instances.save(instance);
        }
        ObjectNode result = view.identity(instance);
        String id = item.text("id");
        return id == null ? result : result.put("id", id);
    }

    private ObjectNode await(Instance instance, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "state", "timeout_s", "timeout_ms"));
        String state = item.text("state", "running");
        State wanted = state(state);
        long millis = item.number("timeout_ms", -1, -1, Integer.MAX_VALUE);
        long seconds = item.number("timeout_s", millis < 0 ? -1 : (millis + 999) / 1000, -1, Integer.MAX_VALUE);
        boolean reached = instances.await(instance, found -> found.state == wanted, patience(seconds));
        ObjectNode result = view.state(instance);
        return reached ? result : Envelope.lapsed(result);
    }

    private static State state(String wire) throws ItemException {
        for (State state : State.values()) {
            if (state.wire().equals(wire.toLowerCase(Locale.ROOT))) {
                return state;
            }
        }
        throw ItemException.invalid("state", "unknown");
    }

    private Reply metrics(Call call, @Nullable String uuid) {
        List<JsonNode> items = Selection.items(call, uuid, json);
        boolean wantsJson = call.accept() != null && call.accept().contains(Envelope.JSON);
        if (!wantsJson) {
            List<Instance> chosen = instances.all().stream()
                    .filter(instance -> items.isEmpty()
                            || items.stream()
                                    .anyMatch(item -> item.path("uuid")
                                                    .asString("")
                                                    .equals(instance.uuid)
                                            || item.path("name").asString("").equals(instance.name)))
                    .toList();
            return envelope.text("text/plain; version=0.0.4", view.prometheus(chosen));
        }
        if (!items.isEmpty()) {
            return each(call, uuid, (instance, _) -> view.metrics(instance));
        }
        List<ObjectNode> all = instances.all().stream().map(view::metrics).toList();
        return envelope.items(KEY, all, call.began());
    }

    private Reply templates(Call call) {
        String uuid = call.path().size() == 3 ? call.part(2) : null;
        if (call.path().size() > 3 || (uuid != null && uuid.isEmpty())) {
            return envelope.refusal(404, "No such endpoint");
        }
        return switch (call.method()) {
            case "GET" -> list(call, uuid, Instance::isTemplate, "template");
            case "POST" -> eachTemplate(call, uuid, InstanceView::isListed, this::toTemplate);
            case "PATCH" -> eachTemplate(call, uuid, Instance::isTemplate, this::patch);
            case "DELETE" -> eachTemplate(call, uuid, Instance::isTemplate, this::delete);
            default -> envelope.refusal(405, "Wrong method");
        };
    }

    private Reply eachTemplate(Call call, @Nullable String uuid, Kind kind, ItemAction action) {
        List<ObjectNode> results = new ArrayList<>();
        for (JsonNode item : Selection.items(call, uuid, json)) {
            try {
                Fields fields = Fields.of(item);
                results.add(action.on(wanted(fields, "template", kind), fields));
            } catch (ItemException e) {
                results.add(envelope.failure(item, e));
            }
        }
        return envelope.items(KEY, results, call.began());
    }

    private ObjectNode toTemplate(Instance instance, Fields item) throws ItemException {
        item.only(Set.of("uuid", "name", "timeout_s", "autokill"));
        Fields autokill = item.object("autokill");
        instances.toTemplate(instance, autokill == null ? 0 : autokill.number("time_ms", 0, 0, Long.MAX_VALUE));
        long seconds = item.number("timeout_s", -1, -1, Integer.MAX_VALUE);
        boolean done = instances.await(instance, found -> found.state == State.TEMPLATE, patience(seconds));
        ObjectNode result = view.state(instance);
        return done ? result : Envelope.lapsed(result);
    }
}
