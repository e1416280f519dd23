package dev.skerry.activities.unikraft;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.activities.unikraft.UnikraftApi.Item;
import dev.skerry.session.Provisioned;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sandboxes in one Unikraft Cloud metro.
 *
 * <p>Waiting is done by reading the state by name in short steps: one long wait is unreliable behind the platform's proxy. Where the
 * platform's documents leave a question open, both answers are handled: a taken name may be a failed item or HTTP 409; scale-to-zero
 * settings may be refused for a VM without a service group, and are then left out; a suspend may or may not be seen under way; a failed
 * start may or may not leave the VM behind.
 */
public final class UnikraftProvider implements SandboxProvider {
    private static final Duration CREATE = Duration.ofSeconds(90);
    private static final Duration CHANGE = Duration.ofSeconds(30);
    private static final int PAGE = 100;
    private static final String START = "start";
    private static final Set<String> UNDER_WAY = Set.of("starting", "draining", "stopping");
    private static final Set<Integer> REFUSALS_OF_A_MEMBER =
            Set.of(UnikraftApi.UNKNOWN_MEMBER, UnikraftApi.INVALID, UnikraftApi.NOT_BOTH);
    private static final Map<String, Object> STAY_UP = Map.of("policy", "off", "stateful", true);

    private final UnikraftApi api;
    private final UnikraftSettings settings;
    private final String installation;
    private final ObservationRegistry observations;
    private final Templates templates;
    private volatile boolean takesScaleToZero = true;

    public UnikraftProvider(
            UnikraftSettings settings, String installation, JsonMapper mapper, ObservationRegistry observations) {
        this.settings = settings;
        this.installation = installation;
        this.observations = observations;
        this.api = new UnikraftApi(settings, mapper, observations);
        this.templates = new Templates(api, settings, installation, Clock.systemUTC());
    }

    @Override
    public String name() {
        return "unikraft";
    }

    private interface Verb {
        void run(Observation observation) throws ProviderException;
    }

    /** How long each verb takes as a whole and how it ends, apart from the calls that it makes. */
    private void observed(String verb, Verb action) throws ProviderException {
        Observation observation = Observation.createNotStarted("skerry.provider.verb", observations)
                .lowCardinalityKeyValue("verb", verb)
                .lowCardinalityKeyValue("metro", settings.metro())
                .lowCardinalityKeyValue(START, "none");
        observation.<ProviderException>observeChecked(() -> {
            try {
                action.run(observation);
                observation.lowCardinalityKeyValue("outcome", "done");
            } catch (ProviderException e) {
                observation.lowCardinalityKeyValue("outcome", e.getClass().getSimpleName());
                throw e;
            }
        });
    }

    @Override
    public Provisioned create(Spec spec, Runnable alive) throws ProviderException {
        Provisioned[] made = new Provisioned[1];
        observed("create", observation -> {
            made[0] = created(spec, alive);
            observation.lowCardinalityKeyValue(START, made[0].start().code());
        });
        return made[0];
    }

    private Provisioned created(Spec spec, Runnable alive) throws ProviderException {
        Optional<Item> found = find(spec.name());
        if (found.isPresent()) {
            demandOurs(found.get(), spec);
            if (found.get().state().equals("stopped")) {
                remove(spec.name(), alive);
                found = Optional.empty();
            }
        }
        String why = found.isPresent() ? "an earlier attempt made it" : ordered(spec);
        Item item = started(spec, alive);
        if (!item.state().equals("running") && Templates.isClone(item)) {
            String ended = "the clone ended while starting, "
                    + StopReason.of(item.json()).words();
            templates.distrust(ended);
            remove(spec.name(), alive);
            orderCold(spec);
            why = ended;
            item = started(spec, alive);
        }
        if (!item.state().equals("running")) {
            throw notRunning(spec.name(), item, alive);
        }
        return Templates.isClone(item) ? Provisioned.warm(why) : Provisioned.cold(why);
    }

    @Override
    public void saidNoHello(SandboxName name) {
        templates.distrust("a clone said no hello");
    }

    /** What it is once it is not under way any more. */
    private Item started(Spec spec, Runnable alive) throws ProviderException {
        Item item = await(spec.name(), CREATE, alive, state -> !UNDER_WAY.contains(state))
                .orElseThrow(() -> new ProviderException.Unknown(
                        "Metro " + settings.metro() + " lost " + spec.name() + " while it was starting.", null));
        demandOurs(item, spec);
        if (!item.state().equals("standby")) {
            return item;
        }
        change("start", Map.of("name", spec.name().value()));
        return await(spec.name(), CHANGE, alive, state -> !UNDER_WAY.contains(state))
                .orElseThrow(() -> gone(spec.name()));
    }

    /** A VM of the right name is adopted only when it is what would have been ordered. */
    private void demandOurs(Item item, Spec spec) throws ProviderException {
        if (!tags(item.json()).containsAll(spec.tags())) {
            throw new ProviderException.Rejected("The name " + spec.name() + " is taken in metro " + settings.metro()
                    + " by something that is not this session's. Use another installation name.");
        }
        int memory = item.json().path("memory_mb").asInt(settings.memoryMb());
        int vcpus = item.json().path("vcpus").asInt(settings.vcpus());
        String digest = settings.image().replaceFirst("^[^@]*@?", "");
        String image = item.json().path("image").asString("");
        boolean otherImage = !digest.isEmpty() && image.contains("@") && !image.endsWith("@" + digest);
        if (memory != settings.memoryMb() || vcpus != settings.vcpus() || otherImage) {
            throw new ProviderException.Rejected("The VM " + spec.name() + " in metro " + settings.metro()
                    + " was made with other settings (" + memory + " MiB, " + vcpus + " vCPUs, " + image
                    + "). Destroy it, or give workers the same settings.");
        }
    }

    /** Warm where that can be had; answers why as it was. */
    private String ordered(Spec spec) throws ProviderException {
        String why = switch (templates.find()) {
            case Templates.Found.Usable template -> {
                Optional<String> refused = orderClone(template, spec);
                if (refused.isEmpty()) {
                    yield "from template " + template.name();
                }
                templates.distrust("the metro refused a clone: " + refused.get());
                orderCold(spec);
                yield "the metro refused a clone: " + refused.get();
            }
            case Templates.Found.Nothing nothing -> {
                orderCold(spec);
                yield nothing.why();
            }
        };
        return why;
    }

    /** Empty when the clone is there or on its way. What would fail a cold boot as well is a failure here, too. */
    private Optional<String> orderClone(Templates.Found.Usable template, Spec spec) throws ProviderException {
        try {
            for (Item item : api.call("create", "POST", "instances", templates.clone(template, spec))) {
                boolean existsNow = item.ok()
                        || item.is(UnikraftApi.ALREADY_EXISTS)
                        || item.json().has("uuid");
                if (!existsNow) {
                    throw api.failure("create", item);
                }
            }
            return Optional.empty();
        } catch (ProviderException.Rejected refused) {
            return Optional.of(String.valueOf(refused.getMessage()));
        }
    }

    private void orderCold(Spec spec) throws ProviderException {
        boolean scale = takesScaleToZero;
        for (Item item : api.call("create", "POST", "instances", body(spec, scale))) {
            boolean existsNow = item.ok()
                    || item.is(UnikraftApi.ALREADY_EXISTS)
                    || item.json().has("uuid");
            boolean refusedScale = scale
                    && !existsNow
                    && item.error() != null
                    && REFUSALS_OF_A_MEMBER.contains(item.error())
                    && (item.message().contains("scale_to_zero")
                            || item.message().contains("service_group"));
            if (refusedScale) {
                takesScaleToZero = false;
                orderCold(spec);
                return;
            }
            if (!existsNow) {
                throw api.failure("create", item);
            }
        }
    }

    private Map<String, Object> body(Spec spec, boolean withScaleToZero) {
        Map<String, Object> body = new HashMap<>();
        body.put("name", spec.name().value());
        body.put("image", settings.image());
        body.put("env", spec.environment());
        body.put("memory_mb", settings.memoryMb());
        body.put("vcpus", settings.vcpus());
        body.put("autostart", true);
        body.put("restart_policy", "never");
        body.put("tags", spec.tags());
        body.put("autokill", Map.of("time_ms", settings.autokill().toMillis()));
        if (withScaleToZero) {
            body.put("scale_to_zero", STAY_UP);
        }
        return body;
    }

    /** A VM that stopped before it ran is removed, so that a retry begins anew; what it said last is kept. */
    private ProviderException notRunning(SandboxName name, Item item, Runnable alive) throws ProviderException {
        StopReason why = StopReason.of(item.json());
        Optional<String> lastWords = why.imageUnavailable() ? Optional.empty() : lastWordsIfAny(name);
        remove(name, alive);
        if (why.imageUnavailable()) {
            return new ProviderException.Rejected("Metro " + settings.metro() + " cannot get the image "
                    + settings.image() + ". Push it, or correct the configured name.");
        }
        return new ProviderException.BootFailed(
                "The VM " + name + " ended while starting, " + why.words() + ".", lastWords.orElse(""));
    }

    private Optional<String> lastWordsIfAny(SandboxName name) {
        try {
            return lastWords(name);
        } catch (ProviderException e) {
            return Optional.empty();
        }
    }

    @Override
    public void suspend(SandboxName name, Runnable alive) throws ProviderException {
        observed("suspend", _ -> {
            Item item = settled(name, alive);
            if (item.state().equals("running")) {
                change("suspend", Map.of("name", name.value(), "drain_timeout_ms", 0));
                item = settled(name, alive);
            }
            demandState(name, item, "standby");
        });
    }

    @Override
    public void resume(SandboxName name, Runnable alive) throws ProviderException {
        observed("resume", _ -> {
            Item item = settled(name, alive);
            if (item.state().equals("stopped")) {
                throw new ProviderException.Rejected("The VM " + name + " stopped, "
                        + StopReason.of(item.json()).words() + ": its memory is gone.");
            }
            if (item.state().equals("standby")) {
                change("start", Map.of("name", name.value()));
                item = settled(name, alive);
            }
            demandState(name, item, "running");
        });
    }

    /** What it is once no change is under way. */
    private Item settled(SandboxName name, Runnable alive) throws ProviderException {
        return await(name, CHANGE, alive, state -> !UNDER_WAY.contains(state)).orElseThrow(() -> gone(name));
    }

    private static void demandState(SandboxName name, Item item, String wanted) throws ProviderException {
        if (item.state().equals(wanted)) {
            return;
        }
        String told = "The VM " + name + " is " + item.state() + " and not " + wanted;
        throw item.state().equals("stopped")
                ? new ProviderException.Rejected(
                        told + ": it stopped " + StopReason.of(item.json()).words() + ".")
                : new ProviderException.Unknown(told + " yet.", null);
    }

    @Override
    public void destroy(SandboxName name, Runnable alive) throws ProviderException {
        observed("destroy", _ -> remove(name, alive));
    }

    private void remove(SandboxName name, Runnable alive) throws ProviderException {
        Patience patience = new Patience(CHANGE, alive);
        Optional<Item> refused;
        do {
            refused = refusal(name);
            if (refused.isPresent() && !refused.get().busy()) {
                throw api.failure("delete", refused.get());
            }
            if (refused.isPresent()) {
                patience.step();
            }
        } while (refused.isPresent() && !patience.over());
        if (refused.isPresent()) {
            throw api.failure("delete", refused.get());
        }
        if (await(name, CHANGE, alive, state -> false).isPresent()) {
            throw new ProviderException.Unknown("Metro " + settings.metro() + " still has " + name + ".", null);
        }
    }

    /** Asks for the deletion; empty when it is under way or the VM is gone. */
    private Optional<Item> refusal(SandboxName name) throws ProviderException {
        return api.call("delete", "DELETE", "instances", List.of(Map.of("name", name.value()))).stream()
                .filter(item -> !item.ok() && !item.is(UnikraftApi.NOT_FOUND))
                .findFirst();
    }

    @Override
    public Sighting inspect(SandboxName name) throws ProviderException {
        return find(name)
                .map(item -> switch (item.state()) {
                    case "standby" -> Sighting.FROZEN;
                    case "stopped" -> Sighting.STOPPED;
                    case "deleted" -> Sighting.GONE;
                    default -> Sighting.RUNNING;
                })
                .orElse(Sighting.GONE);
    }

    @Override
    public Optional<String> lastWords(SandboxName name) throws ProviderException {
        return api.log(name.value());
    }

    @Override
    public Condition condition() throws ProviderException {
        OptionalInt room = room();
        List<String> degraded = degradedIfKnown();
        return new Condition(
                room.isPresent() ? room.getAsInt() : null,
                degraded.isEmpty() ? null : "degraded: " + String.join(", ", degraded));
    }

    /** A metro whose health cannot be read may be well. */
    private List<String> degradedIfKnown() {
        try {
            return degraded();
        } catch (ProviderException e) {
            return List.of();
        }
    }

    /** Checks that the metro says are not well. An installation of the platform may keep them from its users: then none are. */
    List<String> degraded() throws ProviderException {
        JsonNode checks = api.data("healthz", "healthz").path("checks");
        return checks.propertyNames().stream()
                .filter(name -> checks.path(name).asString("").equals("degraded"))
                .sorted()
                .toList();
    }

    /** What the account's quotas leave room for; memory and processors count as well as the number. */
    OptionalInt room() throws ProviderException {
        for (Item item : api.items("quotas", "quotas", "GET", "users/quotas", null)) {
            JsonNode used = item.json().path("used");
            JsonNode hard = item.json().path("hard");
            OptionalInt instances = left(used, hard, "instances", 1);
            OptionalInt memory = left(used, hard, "live_memory_mb", settings.memoryMb());
            OptionalInt vcpus = left(used, hard, "live_vcpus", settings.vcpus());
            return smallest(List.of(instances, memory, vcpus));
        }
        return OptionalInt.empty();
    }

    private static OptionalInt left(JsonNode used, JsonNode hard, String what, int each) {
        return hard.path(what).isNumber()
                ? OptionalInt.of(
                        Math.clamp((hard.path(what).asLong() - used.path(what).asLong(0)) / each, 0, Integer.MAX_VALUE))
                : OptionalInt.empty();
    }

    private static OptionalInt smallest(List<OptionalInt> all) {
        return all.stream()
                .filter(OptionalInt::isPresent)
                .mapToInt(OptionalInt::getAsInt)
                .min();
    }

    @Override
    public Page listOwned(@Nullable String after) throws ProviderException {
        String path = "instances?details=true&order=asc&sortby=create_time&count=" + PAGE + "&tags=skerry,"
                + encoded("installation=" + installation)
                + (after == null ? "" : "&from=" + encoded(after));
        List<Item> items = api.call("list", "GET", path, null);
        List<Owned> owned = new ArrayList<>();
        String last = null;
        for (Item item : items) {
            String uuid = item.json().path("uuid").asString("");
            if (!uuid.equals(after)) {
                owned.add(new Owned(
                        new SandboxName(item.json().path("name").asString("")),
                        tags(item.json()),
                        createdAt(item.json()),
                        item.state().equals("stopped")
                                ? "stopped " + StopReason.of(item.json()).words()
                                : null));
                last = uuid;
            }
        }
        return new Page(owned, items.size() < PAGE ? null : last);
    }

    /** A state that has changed since it was read is no failure here: what follows reads it again. */
    private void change(String verb, Map<String, Object> body) throws ProviderException {
        for (Item item : api.call(verb, "PUT", "instances/" + verb, List.of(body))) {
            if (!item.ok() && !item.is(UnikraftApi.WRONG_STATE)) {
                throw api.failure(verb, item);
            }
        }
    }

    private ProviderException gone(SandboxName name) {
        return new ProviderException.Rejected("Metro " + settings.metro() + " has no VM " + name + " any more.");
    }

    /** Reads the state until it is as wanted or the time is over; answers what was seen last, empty when the VM is gone. */
    private Optional<Item> await(SandboxName name, Duration most, Runnable alive, Predicate<String> done)
            throws ProviderException {
        Patience patience = new Patience(most, alive);
        while (true) {
            Optional<Item> item = find(name);
            if (item.isEmpty() || done.test(item.get().state()) || patience.over()) {
                return item;
            }
            patience.step();
        }
    }

    private Optional<Item> find(SandboxName name) throws ProviderException {
        for (Item item : api.call("read", "GET", "instances?details=true&name=" + encoded(name.value()), null)) {
            if (item.is(UnikraftApi.NOT_FOUND) || item.state().equals("deleted")) {
                return Optional.empty();
            }
            if (!item.ok()) {
                throw api.failure("read", item);
            }
            return Optional.of(item);
        }
        return Optional.empty();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** The platform writes RFC 3339; a VM without a readable time is unsafe to judge, so the listing fails. */
    static Instant createdAt(JsonNode json) throws ProviderException {
        try {
            return OffsetDateTime.parse(json.path("created_at").asString("")).toInstant();
        } catch (DateTimeParseException e) {
            throw new ProviderException.Unknown("A VM in the listing has no readable creation time.", e);
        }
    }

    private static List<String> tags(JsonNode json) {
        return json.path("tags").values().stream().map(JsonNode::asString).toList();
    }
}
