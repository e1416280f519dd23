package dev.skerry.activities.unikraft;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.activities.unikraft.UnikraftApi.Item;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.MissingNode;

/**
 * The template of one metro's VMs: a runtime that has started and waits for a session, without any secret.
 *
 * <p>It is named after a hash of what it was made of, so that workers with the same settings share it. It is made in the background: a
 * session that comes meanwhile boots cold. A clone gets its three values, and a seed for its randomness, from an inline ROM. Whether the
 * platform shows a ROM's files to a clone before or after it goes on is not documented, so the runtime waits for them; whether a guest
 * makes itself a template, or is made one, depends on the installation, so both are waited for. How an inline ROM's files are written is
 * not documented either: a metro that reads them otherwise refuses the clone, or the clone stays silent, and boots are cold.
 */
final class Templates {
    static final String ROM = "session";
    private static final Logger log = LoggerFactory.getLogger(Templates.class);
    private static final String PATH = "instances/templates";
    private static final String TAG = "skerry-template";
    private static final String VALUES = "/run/skerry";
    private static final String WAITS_LIKE = "1";
    private static final String WAITING = "waiting for a session";
    private static final int SEED_BYTES = 64;
    private static final int NAME_BYTES = 8;
    private static final int MOST = 100;
    private static final int MOST_UNSEEN = 5;
    private static final Duration MAKE = Duration.ofMinutes(3);
    private static final Duration LEFT_BEHIND = MAKE.multipliedBy(3);
    private static final Duration TRY_AGAIN = Duration.ofMinutes(5);

    private final UnikraftApi api;
    private final UnikraftSettings settings;
    private final String installation;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final AtomicBoolean making = new AtomicBoolean();
    private volatile Trouble trouble = new Trouble(Instant.EPOCH, "");

    /** Why there are no warm starts before a moment. */
    private record Trouble(Instant until, String why) {}

    /** What a new VM may begin with. */
    sealed interface Found {
        /** A template that is young enough. */
        record Usable(String name) implements Found {}

        /** Nothing, and why. */
        record Nothing(String why) implements Found {}
    }

    Templates(UnikraftApi api, UnikraftSettings settings, String installation, Clock clock) {
        this.api = api;
        this.settings = settings;
        this.installation = installation;
        this.clock = clock;
    }

    /** Never fails and never waits for more than a read: a session must not suffer from the want of a template. */
    Found find() {
        if (settings.templateAge().isZero()) {
            return new Found.Nothing("warm starts are off");
        }
        Trouble present = trouble;
        if (clock.instant().isBefore(present.until())) {
            return new Found.Nothing(present.why());
        }
        try {
            String name = name();
            Optional<Item> template = template(name);
            if (template.isPresent() && !tooOld(template.get(), settings.templateAge())) {
                return new Found.Usable(name);
            }
            inBackground(name);
            return new Found.Nothing(
                    template.isPresent()
                            ? "the template is too old; another is being made"
                            : "there is no template yet; one is being made");
        } catch (ProviderException e) {
            return new Found.Nothing("the template cannot be looked up: " + e.getMessage());
        }
    }

    /** The order of a clone: everything else is as in the template. */
    Map<String, Object> clone(Found.Usable template, Spec spec) {
        List<Map<String, String>> files = new ArrayList<>();
        for (String name : List.of("SESSION_TOKEN", "CONTROL_PLANE_URL", "SESSION_ID")) {
            files.add(file(name, spec.environment().getOrDefault(name, "").getBytes(StandardCharsets.UTF_8)));
        }
        byte[] seed = new byte[SEED_BYTES];
        random.nextBytes(seed);
        files.add(file("ENTROPY", seed));
        Map<String, Object> body = new HashMap<>();
        body.put("name", spec.name().value());
        body.put("template", Map.of("name", template.name()));
        body.put("autostart", true);
        body.put("tags", spec.tags());
        body.put("autokill", Map.of("time_ms", settings.autokill().toMillis()));
        body.put("roms", List.of(Map.of("name", ROM, "at", VALUES, "files", files)));
        return body;
    }

    private static Map<String, String> file(String path, byte[] content) {
        return Map.of(
                "path", path, "encoding", "base64", "data", Base64.getEncoder().encodeToString(content));
    }

    static boolean isClone(Item item) {
        return item.json()
                .path("roms")
                .valueStream()
                .anyMatch(rom -> rom.path("name").asString("").equals(ROM));
    }

    /** Clones do not work: the next ones boot cold for a while, and the template goes. */
    void distrust(String why) {
        trouble = new Trouble(clock.instant().plus(TRY_AGAIN), why);
        log.warn("no warm starts in metro {} for {} min: {}", settings.metro(), TRY_AGAIN.toMinutes(), why);
        Thread.ofVirtual().name("template").start(() -> {
            try {
                String name = name();
                if (template(name).isPresent()) {
                    delete(PATH, name);
                }
            } catch (ProviderException e) {
                log.warn("the template in metro {} is left: {}", settings.metro(), e.getMessage());
            }
        });
    }

    private void inBackground(String name) {
        if (making.compareAndSet(false, true)) {
            Thread.ofVirtual().name("template").start(() -> {
                try {
                    sweep();
                    make(name);
                    log.info("metro {} has template {}", settings.metro(), name);
                } catch (ProviderException | RuntimeException e) {
                    trouble = new Trouble(
                            clock.instant().plus(TRY_AGAIN), "the template could not be made: " + e.getMessage());
                    log.warn("metro {} has no template: {}", settings.metro(), e.getMessage());
                } finally {
                    making.set(false);
                }
            });
        }
    }

    /** Deletes templates that are too old, whatever they were made of, and what a worker left that died while it made one. */
    void sweep() throws ProviderException {
        for (Item item : listed(PATH)) {
            if (tooOld(item, settings.templateAge())) {
                delete(PATH, item.json().path("name").asString(""));
            }
        }
        for (Item item : listed("instances")) {
            if (tooOld(item, LEFT_BEHIND)) {
                delete("instances", item.json().path("name").asString(""));
            }
        }
    }

    private List<Item> listed(String path) throws ProviderException {
        String tags = TAG + "," + URLEncoder.encode("installation=" + installation, StandardCharsets.UTF_8);
        return api.call("templates", "GET", path + "?details=true&count=" + MOST + "&tags=" + tags, null).stream()
                .filter(Item::ok)
                .toList();
    }

    private void make(String name) throws ProviderException {
        order(name);
        Patience patience = new Patience(MAKE, () -> {});
        boolean asked = false;
        int unseen = 0;
        while (template(name).isEmpty()) {
            Item seed = seed(name);
            unseen = seed.state().isEmpty() ? unseen + 1 : 0;
            if (unseen > MOST_UNSEEN) {
                throw new ProviderException.Unknown("its VM vanished", null);
            }
            if (seed.state().equals("stopped")) {
                String said = lastLine(name);
                delete("instances", name);
                throw new ProviderException.Rejected("its VM ended, "
                        + StopReason.of(seed.json()).words() + (said.isEmpty() ? "" : "; it said last: " + said));
            }
            if (!asked && seed.state().equals("running") && log(name).contains(WAITING)) {
                turn(name);
                asked = true;
            }
            if (patience.over()) {
                delete("instances", name);
                throw new ProviderException.Rejected(
                        "its VM did not come to wait within " + MAKE.toSeconds() + " s; does its image know how to?");
            }
            patience.step();
        }
    }

    private void order(String name) throws ProviderException {
        Map<String, Object> body = new HashMap<>();
        body.put("name", name);
        body.put("image", settings.image());
        body.put("env", Map.of("SESSION_VALUES", VALUES));
        body.put("memory_mb", settings.memoryMb());
        body.put("vcpus", settings.vcpus());
        body.put("autostart", true);
        body.put("restart_policy", "never");
        body.put("tags", List.of(TAG, "installation=" + installation));
        body.put("autokill", Map.of("time_ms", settings.autokill().toMillis()));
        for (Item item : api.call("create", "POST", "instances", body)) {
            if (!item.ok()
                    && !item.is(UnikraftApi.ALREADY_EXISTS)
                    && !item.json().has("uuid")) {
                throw api.failure("create", item);
            }
        }
    }

    /** Under way when it returns: an item without a code of its own only says that this did not wait. */
    private void turn(String name) throws ProviderException {
        Map<String, Object> item = Map.of(
                "name",
                name,
                "timeout_s",
                0,
                "autokill",
                Map.of("time_ms", settings.templateAge().toMillis()));
        for (Item answer : api.call("templates", "POST", PATH, List.of(item))) {
            if (!answer.ok() && answer.error() != null && !answer.is(UnikraftApi.NOT_FOUND)) {
                delete("instances", name);
                throw api.failure("make a template", answer);
            }
        }
    }

    private Item seed(String name) throws ProviderException {
        for (Item item : api.call("read", "GET", "instances?details=true&name=" + name, null)) {
            if (item.ok()) {
                return item;
            }
            if (!item.is(UnikraftApi.NOT_FOUND)) {
                throw api.failure("read", item);
            }
        }
        return new Item(MissingNode.getInstance(), true, null, "");
    }

    private Optional<Item> template(String name) throws ProviderException {
        for (Item item : api.call("templates", "GET", PATH + "?details=true&name=" + name, null)) {
            if (item.ok() && (item.state().isEmpty() || item.state().equals("template"))) {
                return Optional.of(item);
            }
            if (!item.ok() && !item.is(UnikraftApi.NOT_FOUND)) {
                throw api.failure("read the template", item);
            }
        }
        return Optional.empty();
    }

    private void delete(String path, String name) throws ProviderException {
        for (Item item : api.call("delete", "DELETE", path, List.of(Map.of("name", name)))) {
            if (!item.ok() && !item.is(UnikraftApi.NOT_FOUND)) {
                throw api.failure("delete", item);
            }
        }
    }

    private String log(String name) throws ProviderException {
        return api.log(name).orElse("");
    }

    private String lastLine(String name) {
        try {
            return log(name).lines().reduce("", (_, last) -> last).strip();
        } catch (ProviderException e) {
            return "";
        }
    }

    private boolean tooOld(Item item, Duration most) throws ProviderException {
        return UnikraftProvider.createdAt(item.json()).plus(most).isBefore(clock.instant());
    }

    /** The same for the same image, size and way of waiting. */
    private String name() throws ProviderException {
        String made = String.join(
                "\n", image(), Integer.toString(settings.memoryMb()), Integer.toString(settings.vcpus()), WAITS_LIKE);
        return "skerry-" + installation + "-template-" + hash(made);
    }

    /** With its digest where the metro knows it: a tag may be moved to another image. */
    private String image() throws ProviderException {
        String wanted = settings.image().replaceFirst("^oci://", "");
        if (!wanted.contains("@")) {
            for (Item item : api.items("images", "images", "GET", "images", null)) {
                String url = item.json().path("url").asString("");
                if (url.contains(wanted) && url.contains("@")) {
                    return url;
                }
            }
        }
        return wanted;
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, NAME_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
