package dev.skerry.activities.unikraft;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.activities.unikraft.UnikraftApi.Item;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import io.micrometer.observation.ObservationRegistry;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Sandboxes in one Unikraft Cloud metro.
 *
 * <p>Waiting is done by reading the state by name in short steps: one long wait is unreliable behind the platform's proxy.
 */
public final class UnikraftProvider implements SandboxProvider {
    private static final Duration CREATE = Duration.ofSeconds(90);
    private static final Duration CHANGE = Duration.ofSeconds(30);
    private static final Duration FIRST_STEP = Duration.ofMillis(20);
    private static final Duration LONGEST_STEP = Duration.ofSeconds(1);
    private static final int PAGE = 100;
    private static final Set<String> UNDER_WAY = Set.of("starting", "draining", "stopping");

    private final UnikraftApi api;
    private final UnikraftSettings settings;
    private final String installation;

    public UnikraftProvider(
            UnikraftSettings settings, String installation, JsonMapper mapper, ObservationRegistry observations) {
        this.settings = settings;
        this.installation = installation;
        this.api = new UnikraftApi(settings, mapper, observations);
    }

    @Override
    public String name() {
        return "unikraft";
    }

    @Override
    public void create(Spec spec, Runnable alive) throws ProviderException {
        Optional<Item> found = find(spec.name());
        if (found.isEmpty()) {
            order(spec);
        } else if (!tags(found.get().json()).containsAll(spec.tags())) {
            throw new ProviderException.Rejected("The name " + spec.name() + " is taken in metro " + settings.metro()
                    + " by something that is not this session's. Use another installation name.");
        }
        Item item = await(spec.name(), CREATE, alive, state -> !UNDER_WAY.contains(state))
                .orElseThrow(() -> new ProviderException.Unknown(
                        "Metro " + settings.metro() + " lost " + spec.name() + " while it was starting.", null));
        if (!item.state().equals("running")) {
            throw notRunning(spec.name(), item);
        }
    }

    private void order(Spec spec) throws ProviderException {
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
        for (Item item : api.call("create", "POST", "instances", body)) {
            boolean existsNow = item.ok()
                    || item.is(UnikraftApi.ALREADY_EXISTS)
                    || item.json().has("uuid");
            if (!existsNow) {
                throw api.failure("create", item);
            }
        }
    }

    /** A VM that stopped before it ran: image missing (4/1), crash, or exit; it is removed so that a retry begins anew. */
    private ProviderException notRunning(SandboxName name, Item item) throws ProviderException {
        int reason = item.json().path("stop_reason").asInt(0);
        int code = item.json().path("stop_code").asInt(0);
        api.call("delete", "DELETE", "instances", List.of(Map.of("name", name.value())));
        if (reason == 4 && code == 1) {
            return new ProviderException.Rejected("Metro " + settings.metro() + " cannot get the image "
                    + settings.image() + ". Push it, or correct the configured name.");
        }
        return new ProviderException.Unknown(
                "The VM " + name + " ended while starting (state " + item.state() + ", stop reason " + reason
                        + ", code " + code + ").",
                null);
    }

    @Override
    public void suspend(SandboxName name, Runnable alive) throws ProviderException {
        Item item = present(name);
        if (item.state().equals("standby")) {
            return;
        }
        change("suspend", Map.of("name", name.value(), "drain_timeout_ms", 0));
        awaitState(name, "standby", alive);
    }

    @Override
    public void resume(SandboxName name, Runnable alive) throws ProviderException {
        Item item = present(name);
        if (item.state().equals("running")) {
            return;
        }
        if (!item.state().equals("standby")) {
            throw new ProviderException.Rejected("The VM " + name + " is " + item.state() + ": its memory is gone.");
        }
        change("start", Map.of("name", name.value()));
        awaitState(name, "running", alive);
    }

    @Override
    public void destroy(SandboxName name, Runnable alive) throws ProviderException {
        for (Item item : api.call("delete", "DELETE", "instances", List.of(Map.of("name", name.value())))) {
            if (!item.ok() && !item.is(UnikraftApi.NOT_FOUND)) {
                throw api.failure("delete", item);
            }
        }
        if (await(name, CHANGE, alive, state -> false).isPresent()) {
            throw new ProviderException.Unknown("Metro " + settings.metro() + " still has " + name + ".", null);
        }
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
    public Page listOwned(@Nullable String after) throws ProviderException {
        String tag = URLEncoder.encode("installation=" + installation, StandardCharsets.UTF_8);
        String path = "instances?details=true&order=asc&sortby=create_time&count=" + PAGE + "&tags=skerry," + tag
                + (after == null ? "" : "&from=" + URLEncoder.encode(after, StandardCharsets.UTF_8));
        List<Item> items = api.call("list", "GET", path, null);
        List<Owned> owned = new ArrayList<>();
        String last = null;
        for (Item item : items) {
            String uuid = item.json().path("uuid").asString("");
            if (!uuid.equals(after)) {
                owned.add(new Owned(
                        new SandboxName(item.json().path("name").asString("")),
                        tags(item.json()),
                        createdAt(item.json())));
                last = uuid;
            }
        }
        return new Page(owned, items.size() < PAGE ? null : last);
    }

    private void change(String verb, Map<String, Object> body) throws ProviderException {
        for (Item item : api.call(verb, "PUT", "instances/" + verb, List.of(body))) {
            if (!item.ok()) {
                throw api.failure(verb, item);
            }
        }
    }

    private void awaitState(SandboxName name, String wanted, Runnable alive) throws ProviderException {
        Item item = await(name, CHANGE, alive, state -> state.equals(wanted) || state.equals("stopped"))
                .orElseThrow(() -> gone(name));
        if (!item.state().equals(wanted)) {
            throw new ProviderException.Unknown(
                    "The VM " + name + " is " + item.state() + " and not " + wanted + " yet.", null);
        }
    }

    private Item present(SandboxName name) throws ProviderException {
        return find(name).orElseThrow(() -> gone(name));
    }

    private ProviderException gone(SandboxName name) {
        return new ProviderException.Rejected("Metro " + settings.metro() + " has no VM " + name + " any more.");
    }

    private interface StateTest {
        boolean done(String state);
    }

    /** Reads the state until it is as wanted or the time is over; answers what was seen last, empty when the VM is gone. */
    private Optional<Item> await(SandboxName name, Duration patience, Runnable alive, StateTest test)
            throws ProviderException {
        Instant deadline = Instant.now().plus(patience);
        Duration step = FIRST_STEP;
        while (true) {
            Optional<Item> item = find(name);
            if (item.isEmpty() || test.done(item.get().state()) || Instant.now().isAfter(deadline)) {
                return item;
            }
            alive.run();
            pause(step);
            step = step.multipliedBy(2).compareTo(LONGEST_STEP) > 0 ? LONGEST_STEP : step.multipliedBy(2);
        }
    }

    private static void pause(Duration step) throws ProviderException {
        try {
            Thread.sleep(step);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ProviderException.Unknown("Interrupted while waiting for the metro.", e);
        }
    }

    private Optional<Item> find(SandboxName name) throws ProviderException {
        String path = "instances?details=true&name=" + URLEncoder.encode(name.value(), StandardCharsets.UTF_8);
        for (Item item : api.call("read", "GET", path, null)) {
            if (item.is(UnikraftApi.NOT_FOUND)) {
                return Optional.empty();
            }
            if (!item.ok() && item.error() != null) {
                throw api.failure("read", item);
            }
            if (item.state().equals("deleted")) {
                return Optional.empty();
            }
            return Optional.of(item);
        }
        return Optional.empty();
    }

    /** The platform writes RFC 3339; a VM without a readable time is unsafe to judge, so the listing fails. */
    private static Instant createdAt(JsonNode json) throws ProviderException {
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
